"""README and docs say what is so: commands and snippets run, links lead somewhere, tables are true."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.cli.dev.dev_server import started, until
from tests.cli.serving import served
from tests.kit import postgres, postgres_programs
from tests.settings import reference

import tidegate
from tidegate.cli.backup import backup
from tidegate.cli.dev.command import dev
from tidegate.cli.line import flags_of
from tidegate.cli.migrate import migrate
from tidegate.cli.move import move
from tidegate.cli.table.find import commands
from tidegate.cli.table.rows import TRACKS
from tidegate.settings import SETTINGS, File, load
from tidegate.testing import modes

ROOT = Path(__file__).parent.parent
SNIPPETS = {
    "README.md console 1 2": "typed, with free ports; what is shown below must be printed",
    "README.md python 1": "run against a server that is started by the line above it",
    "docs/pull-queues.md python 1": "run against a server",
    "docs/clock.md python 1": "run against a server",
    "docs/operator-api.md python 1": "run against a server",
    "docs/events.md sh": "typed, each against a server",
    "docs/bulk.md sh": "typed, each against a server",
    "* toml": "read as a file of settings",
}


SOURCE = ROOT / "src/tidegate"
README = ROOT / "README.md"
PAGES = [
    README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "SECURITY.md",
    ROOT / "GOVERNANCE.md",
    ROOT / "CODE_OF_CONDUCT.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)]+)\)")
OTHER_COMMANDS = re.compile(r"^```sh\n.*?^```$", re.MULTILINE | re.DOTALL)
"""Blocks of a language that no page uses for our own command line."""

ROW = re.compile(r"^\| (.+?) \| (.+?) \|(?: (.+?) \|)?$", re.MULTILINE)
OTHERS = re.compile(
    r"`pip [^`]*`|^(?:pg_\w+|(?:POSTGRES_PASSWORD=\S+ )?docker|helm|systemctl) (?:.*\\\n)*.*$", re.MULTILINE
)  # programs with flags of their own
FLAG = re.compile(r"(?<![\w-])--([a-z][a-z-]+)")
VARIABLE = re.compile(r"\bTIDEGATE_[A-Z_]+\b")

CLIENT_VARIABLES = {"TIDEGATE_TOKEN", "TIDEGATE_TOKEN_FILE"}
"""Those of the command line that stand for no flag."""

TEST_VARIABLES = {postgres.NAMED, postgres_programs.PROGRAMS, modes.VARIABLE}
"""Those that tests read."""

# What shows that a part of the README's table is there: a file, or a file and words in it.
PARTS = {
    "API v2 over gRPC: queues, tasks, batches, BufferTask, policies, keys, locations": "api/v2.py",
    "REST on the same port": "app.py: servers.rest",
    "API v2beta3 over gRPC": "api/rpcs.py: v2beta3",
    "API v2beta2 with pull queues": "api/rpcs.py: v2beta2",
    "Push to HTTP targets: retries, rates, concurrency, queue-level routing": "delivery/http_sender.py",
    "Push to App Engine targets": "core/app_engine.py",
    "OIDC and OAuth tokens for handlers": "task_tokens.py: token_mint",
    "A store in one SQLite file, or in memory": "storage/sqlite/store.py",
    "A store in PostgreSQL, shared by many nodes": "opened_store.py: postgres",
    "TLS, client certificates, health checks": "servers/health.py",
    "Access control: credentials, roles, audit log": "access_control.py",
    "Egress rules: which addresses tasks may call": "from_settings.py: egress",
    "queue.yaml": "queues_at_start.py",
    "Operation log": "app.py: operation_log",
    "Metrics, alerts, a dashboard, traces, backup": "app.py: metrics",
    "Command line: the commands of `gcloud tasks`, `tidegate dev`": "cli/table/top.py",
    "Web console": "console/application.py",
    "Python client of its own": "tasks_v2/__init__.py",
    "Developer kit: a pytest fixture, helpers for handlers": "testing/plugin.py",
}


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text()) if found == language]


def rows(page: Path) -> list[tuple[str, ...]]:
    return [row for row in ROW.findall(page.read_text()) if not row[0].startswith("-")]


def command_line_flags() -> set[str]:
    """The flags of every command, without their dashes."""
    flags = {flag.name for track in TRACKS.values() for row in commands(track).values() for flag in flags_of(row)}
    flags |= {
        name for command in (backup, dev, migrate, move) for parameter in command.params for name in parameter.opts
    }
    return {flag.removeprefix("--") for flag in flags}


def is_there(part: str) -> bool:
    path, _, words = part.partition(": ")
    return (SOURCE / path).exists() and (not words or words in (SOURCE / path).read_text())


def run(snippet: str, address: str) -> str:
    """What a Python snippet prints when its server is at ``address``."""
    assert "localhost:8123" in snippet
    code = snippet.replace("localhost:8123", address)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_first_steps_of_the_readme_work_as_written(tmp_path: Path) -> None:
    _, console = blocks(README, "console")
    commands = [line.removeprefix("$ ") for line in console.splitlines() if line.startswith("$ ")]
    install, serve = commands
    assert install == "pip install ."
    (snippet,) = blocks(README, "python")
    program, command, *arguments = shlex.split(serve)
    assert (program, command) == ("tidegate", "serve")
    with served(*arguments, directory=tmp_path) as address:
        created, said = run(snippet, address).splitlines()
    name = created.removeprefix("created ")
    assert name.startswith("projects/demo/locations/here/queues/mail/tasks/")
    assert said == f"task {name.rsplit('/', 1)[1]} says hello"


def test_the_one_command_of_the_readme_prints_what_stands_below_it() -> None:
    console, _ = blocks(README, "console")
    command, *shown = console.splitlines()
    ours = "$ uvx --from . tidegate dev "
    assert command.startswith(ours)
    with started("--port", "0", *shlex.split(command.removeprefix(ours))) as lines:
        for line in shown:
            printed = until(lines, line.split("  ")[0])
            assert re.sub(r":\d+", ":8123", printed) == line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_with_the_official_client_says_how_to_install_it(page: Path) -> None:
    if any("google.cloud" in snippet for snippet in blocks(page, "python")):
        assert "`pip install google-cloud-tasks`" in page.read_text()


def test_the_example_in_the_readme_is_about_thirty_lines() -> None:
    (snippet,) = blocks(README, "python")
    assert len(snippet.splitlines()) <= 30


def test_the_worker_of_the_pull_queues_page_gets_every_task_once(tmp_path: Path) -> None:
    (snippet,) = blocks(ROOT / "docs/pull-queues.md", "python")
    with served("--store", "sqlite://:memory:", directory=tmp_path) as address:
        lines = run(snippet, address).splitlines()
    assert [line.rpartition(" leased ")[2] for line in lines] == ["1 times"] * 3


def test_the_example_of_the_clock_page_runs_what_is_due_in_an_hour(tmp_path: Path) -> None:
    page = ROOT / "docs/clock.md"
    (snippet,) = blocks(page, "python")
    (command,) = re.findall("`tidegate (serve --dev [^`]*)`", page.read_text())
    with served(*shlex.split(command)[1:], directory=tmp_path) as address:
        ahead, attempts = run(snippet, address).splitlines()
    assert ahead.startswith("ahead by 1800")
    assert attempts == "attempts: 1"


@pytest.mark.parametrize("page", ["events.md", "bulk.md"])
def test_the_calls_of_a_page_about_the_operators_api_are_answered(page: str, tmp_path: Path) -> None:
    queue = "projects/p/locations/l/queues/q"
    calls = blocks(ROOT / "docs" / page, "sh")
    assert calls
    with served("--store", "sqlite://:memory:", "--queue", queue, directory=tmp_path) as address:
        for call in calls:
            command = call.replace("localhost:8123", address).replace("curl ", "curl -sf --max-time 2 ")
            done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
            assert done.returncode in (0, 28), done.stderr  # a stream without an end is cut after two seconds
            written = tmp_path / "state.ndjson"
            answer = done.stdout + (written.read_text() if written.exists() else "")
            assert queue in answer or "BulkResult" in answer


def test_the_example_of_the_operators_page_tells_of_its_queue(tmp_path: Path) -> None:
    (snippet,) = blocks(ROOT / "docs/operator-api.md", "python")
    queue = "projects/demo/locations/us-central1/queues/default"
    with served("--store", "sqlite://:memory:", "--queue", queue, directory=tmp_path) as address:
        assert run(snippet, address).strip() == "0 tasks are due, 0 attempts are under way"


def test_the_settings_page_is_made_from_the_settings() -> None:
    assert reference.PAGE.read_text() == reference.page(), "run: make docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_documented_settings_files_can_be_read(page: Path) -> None:
    for text in blocks(page, "toml"):
        assert load(file=File("tidegate.toml", text)).settings


def test_the_settings_in_the_readme_are_as_they_are() -> None:
    by_flag = {f"`{row.flag}`": row for row in SETTINGS}
    shown = [row for row in rows(README) if row[0].startswith("`--")]
    assert shown
    for flag, default, says in shown:
        row = by_flag[flag]
        assert default.strip("`") == (row.show(row.default) or "none")
        assert says == row.says.help


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_flag_and_variable_in_the_docs_exists(page: Path) -> None:
    text = OTHER_COMMANDS.sub("", page.read_text())
    flags = {row.flag.removeprefix("--") for row in SETTINGS} | {"config"} | command_line_flags()
    flags.add(modes.OPTION.removeprefix("--"))  # of pytest
    assert set(FLAG.findall(OTHERS.sub("", text))) <= flags
    variables = {f"TIDEGATE_{flag.upper().replace('-', '_')}" for flag in flags} | CLIENT_VARIABLES | TEST_VARIABLES
    assert set(VARIABLE.findall(text)) <= set(variables)


def test_the_readme_tells_apart_what_works_and_what_does_not_yet() -> None:
    told = {row[0]: row[1] for row in rows(README) if row[1] in {"works", "not yet"}}
    so = {part: "works" if is_there(where) else "not yet" for part, where in PARTS.items()}
    assert told == so, "bring the table in README.md up to date, and CHANGELOG.md"


def test_nobody_is_told_that_egress_is_guarded_while_it_is_not() -> None:
    warned = "not enforced yet" in (ROOT / "docs/operating.md").read_text()
    assert warned is not is_there(PARTS["Egress rules: which addresses tasks may call"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if not target.startswith("https://"):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_the_changelog_and_the_package_agree_on_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    assert "## Unreleased" in text
    released = re.findall(r"^## (\d+\.\d+\.\d+)", text, re.MULTILINE)
    assert not released or released[0] == tidegate.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["version"]["path"] == "src/tidegate/__init__.py"
