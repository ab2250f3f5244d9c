SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The same code as Windows sees it: what only Unix has must be asked for where it is.
WINDOWS := --platform win32 --cache-dir .mypy_cache/win32 --no-warn-unreachable --follow-imports silent src

.PHONY: help run test tracer browser screenshots proxy monitor database surroundings check crash backups workers power faults reliability bench simulate nodes hostile fmt docs site release faces lock image-steps charts sbom clean examples
.DEFAULT_GOAL := help

help: ## Show what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: $(STAMP) ## Set up and run the demo: a server, a handler that fails at times, some thousand tasks; KEEP=1 goes on until Ctrl-C
	$(BIN)/tidegate demo $(if $(KEEP),--keep)

check: $(STAMP) ## Format, lint, types and layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy $(WINDOWS)
	$(BIN)/lint-imports

test: check tracer browser proxy monitor database ## Every check and every test, on two cores; at the end the ten that took longest
	$(BIN)/pytest -n 2 --durations=10

tracer: # strace, with which tests kill the server inside a system call: where it is missing and we may install it
	@command -v strace >/dev/null || { [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; } \
		|| { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y strace; } >/dev/null

browser: # Chromium, in which tests open pages of other sites: where it is missing and we may install it
	@command -v chromium chromium-browser google-chrome >/dev/null \
		|| { [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; } || { apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium; } >/dev/null

monitor: # Prometheus, which tests let scrape a server: where it is missing and we may install it
	@command -v prometheus promtool >/dev/null || { [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; } || { apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends prometheus; } >/dev/null

proxy: # nginx, which tests put in front of the server as the documentation has it: where it is missing and we may install it
	@command -v nginx >/dev/null || { [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; } || { apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends nginx-light; } >/dev/null

database: $(STAMP) # PostgreSQL for tests: its wheel comes with the packages; the system's where there is none and we may install it
	@$(BIN)/python -m tests.kit.postgres_programs || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
		|| { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y postgresql; } >/dev/null

screenshots: $(STAMP) browser ## Make the pictures of README and docs anew, and one of every page of the console in SHOTS (build/screenshots)
	PICTURES=docs/images $(BIN)/pytest -q tests/browser/test_pictures.py
	CONSOLE_SHOTS=$(or $(SHOTS),build/screenshots) $(BIN)/pytest -q tests/browser/test_console_pages.py -k every_page_is_accessible

crash: $(STAMP) ## Kill the server KILLS times (200) under load and check its promises; SEED picks the moments
	KILLS=$(or $(KILLS),200) SEED=$(or $(SEED),1) $(BIN)/pytest -s tests/crash/test_kill.py tests/crash/test_dead_letters.py tests/crash/test_bulk.py

backups: $(STAMP) ## Make BACKUPS (20) backups under load, each restored elsewhere and checked; SEED picks the load
	BACKUPS=$(or $(BACKUPS),20) SEED=$(or $(SEED),1) $(BIN)/pytest -s tests/crash/test_backups.py

workers: $(STAMP) ## Let sixteen workers fail for FAULTS seconds (60) and check whose each task was; SEED picks the faults
	FAULTS=$(or $(FAULTS),60) SEED=$(or $(SEED),1) $(BIN)/pytest -s tests/crash/test_workers.py

power: $(STAMP) ## Cut the power CUTS times (2000) and compare what is found with what was acknowledged
	CUTS=$(or $(CUTS),2000) $(BIN)/pytest -s tests/power

faults: $(STAMP) tracer ## Kill the server in the midst of a system call KILLS times (200), slow its syncs, put it to sleep …
	KILLS=$(or $(KILLS),200) $(BIN)/pytest -s tests/faults

reliability: $(STAMP) tracer ## Run all these at length and write RELIABILITY.md anew from what they counted
	$(BIN)/python -m tests.promises.reliability

bench: $(STAMP) ## Measure creates, dispatches, a backlog of a million …, or BENCH alone; QUICK=1 takes two minutes
	$(BIN)/python -m bench $(if $(QUICK),--quick) $(BENCH)

simulate: $(STAMP) ## Run SEEDS (10000) days in virtual time, each with other dice, and check the promises
	SEEDS=$(or $(SEEDS),10000) $(BIN)/pytest -q -n 2 --timeout 3600 tests/simulation/test_promises.py \
		tests/promises/test_cluster.py tests/promises/test_nodes.py

surroundings: # A pooler, wrong clocks and PostgreSQL 15 for `make nodes`: where they are missing and we may install them
	@{ command -v pgbouncer && command -v faketime && test -x /usr/lib/postgresql/15/bin/postgres; } >/dev/null \
		|| { [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; } || { apt-get update -qq; \
		export DEBIAN_FRONTEND=noninteractive; apt-get install -qq -y --no-install-recommends pgbouncer faketime; \
		apt-get install -qq -y --no-install-recommends postgresql-15 || true; } >/dev/null

nodes: $(STAMP) database surroundings ## Let three nodes on one PostgreSQL be killed, stopped, cut off, and their database too; 15 and 18
	NODES=all $(BIN)/pytest -s tests/nodes tests/storage/test_postgres_plans.py tests/storage/test_every_store.py

examples: $(STAMP) ## Run the example projects of the developer kit with two workers each, and say how long each took
	EXAMPLES=all $(BIN)/pytest -s tests/testing/test_examples.py

hostile: $(STAMP) ## Let HOSTILE (5000) handlers hang at once, send much in every field; say what others feel
	HOSTILE=$(or $(HOSTILE),5000) $(BIN)/pytest -s --timeout 1800 tests/endtoend/test_hostile.py tests/hostile

fmt: $(STAMP) ## Put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP) ## Write docs/settings.md anew from the settings, and the map of files in docs/architecture.md
	$(BIN)/python -m tests.settings.reference
	$(BIN)/python -m tests.architecture

site: $(STAMP) ## Build the documentation site into build/site; every warning and every link that leads nowhere ends it
	$(BIN)/python -m website

release: $(STAMP) ## Check version, changelog and repository, build into dist/, install and start that; CHECK=build: files alone
	$(BIN)/python -m release $(filter build,$(CHECK))

faces: $(STAMP) ## Write the clients of each API version anew from the rows
	$(BIN)/python -m tests.client.faces

lock: $(STAMP) ## Choose the newest versions of all packages; write the locks and docs/platforms.md anew
	$(BIN)/python -m tests.dependencies.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	$(BIN)/python -m tests.dependencies.licences

image-steps: $(STAMP) ## Take every step of the Dockerfile as plain shell, weigh what they make, and run it as its user
	IMAGE=1 $(BIN)/pytest -s --timeout 1800 tests/deploy/test_image.py

charts: $(STAMP) ## Render the Helm chart anew with HELM (helm) and check it against the schemas of Kubernetes
	$(BIN)/python -m tests.deploy.charts $(or $(HELM),helm)
	$(BIN)/pytest -q tests/deploy/test_chart.py

sbom: $(STAMP) ## Write build/sbom.cdx.json: what the image has, by name, version, licence and hash, as CycloneDX
	$(BIN)/python -m tests.dependencies.sbom build/sbom.cdx.json

clean: ## Remove what the other targets made
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
