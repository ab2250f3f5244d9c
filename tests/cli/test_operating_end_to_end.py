"""The commands for operating a server, against one: a handler that fails, a queue that is exported and imported."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import Result, run
from tests.cli.serving import served

TASK = "--queue mail"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    queue = "projects/demo/locations/us-central1/queues/mail"
    arguments = ("--dev", "--store", "sqlite://:memory:", "--queue", queue)
    with served(*arguments, directory=tmp_path_factory.mktemp("server")) as found:
        yield found


def typed(address: str, line: str) -> Result:
    variables = {"TIDEGATE_PROJECT": "demo", "TIDEGATE_LOCATION": "us-central1"}
    return run(*shlex.split(line), TIDEGATE_ADDRESS=address, **variables)


def said(address: str, line: str) -> str:
    done = typed(address, line)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_a_task_that_waits_is_explained_shown_and_exported(address: str, tmp_path: Path) -> None:
    said(address, "queues pause mail")
    secret = "Authorization: Bearer s3cret"
    said(address, f'tasks create-http-task t1 {TASK} --url http://127.0.0.1:9/x --header "{secret}"')
    explained = said(address, f"explain t1 {TASK}")
    assert "QUEUE_PAUSED" in explained.splitlines()[1]
    assert "s3cret" not in said(address, f"curl t1 {TASK}")
    assert json.loads(said(address, f"explain t1 {TASK} --format json"))["reasons"][0]["code"] == "QUEUE_PAUSED"
    exported = said(address, "export")
    (tmp_path / "state.jsonl").write_text(exported)
    said(address, f"tasks delete t1 {TASK} --quiet")
    said(address, "queues delete mail --quiet")
    done = typed(address, f"import {tmp_path}/state.jsonl --map queue=mail:copy")
    assert done.exit_code == 0, done.stderr
    assert said(address, "queues list --format json(name)").count("queues/copy") == 1
    again = said(address, "export")
    assert _records(again) == [line.replace("/queues/mail", "/queues/copy") for line in _records(exported)]


def _records(exported: str) -> list[str]:
    return [line for line in exported.splitlines() if '"header"' not in line]


def test_a_task_that_fails_dies_and_is_driven_again(address: str) -> None:
    said(address, "queues create work --max-attempts 2 --min-backoff 60s")
    said(address, "tasks create-http-task t2 --queue work --url http://127.0.0.1:9/x")
    said(address, "clock run --max 1d")
    assert "connection refused" in said(address, "dead list --queue work")
    assert said(address, "dead group --queue work").splitlines()[1].split()[1] == "1"
    assert "Redrove 1 dead task." in typed(address, "dead redrive --queue work").stderr
    assert said(address, "dead list --queue work") == ""
    said(address, "clock run --max 1d")
    assert "Deleted 1 dead task." in typed(address, "dead delete --queue work --quiet").stderr


def test_faults_the_clock_and_nodes(address: str) -> None:
    said(address, "queues create faulty")
    said(address, "faults add --queue faulty --hang --fault-id slow")
    assert "slow" in said(address, "faults list --queue faulty")
    said(address, "faults clear")
    assert said(address, "faults list --queue faulty") == ""
    before = json.loads(said(address, "clock show --format json"))["offset"]
    said(address, "clock advance 1h")
    after = json.loads(said(address, "clock show --format json"))["offset"]
    assert float(after.rstrip("s")) - float(before.rstrip("s")) == pytest.approx(3600, abs=1)
    assert "SERVING" in said(address, "nodes")
    said(address, "drain")
    assert "DRAIN" in said(address, "nodes")
    said(address, "undrain")


def test_the_doctor_is_content_with_a_server_that_works(address: str) -> None:
    found = json.loads(said(address, "doctor --format json"))
    assert {each["check"] for each in found} >= {"address", "port", "server", "clock", "store"}
    assert not [each for each in found if each["result"] == "fail"]


def test_a_benchmark_says_both_rates(address: str) -> None:
    measured = json.loads(said(address, "bench --seconds 1 --callers 2"))
    assert measured["created"] == measured["delivered"] > 0


def test_queues_and_tasks_come_from_a_server_that_plays_google(address: str, tmp_path: Path) -> None:
    queue = "projects/shop/locations/eu/queues/mail"
    with served("--store", "sqlite://:memory:", "--queue", queue, directory=tmp_path) as google:
        there = "--project shop --location eu"
        said(google, f"queues pause mail {there}")
        for number in range(3):
            to = f"--queue mail {there} --url http://127.0.0.1:9/"
            said(google, f"tasks create-http-task t{number} {to} --body-content {number}")
        line = f"import-gcp --from-project shop --from-location eu --from-address http://{google}"
        planned = typed(address, f"{line} --plan --format json")
        assert [(each["queue"], each["tasks"]) for each in json.loads(planned.stdout)] == [(queue, 3)]
        assert typed(address, f"queues describe {queue}").exit_code == 1
        assert "Imported 4, skipped 0" in typed(address, line).stderr
        assert "Imported 0, skipped 4" in typed(address, line).stderr
        assert "state: PAUSED" in said(address, f"queues describe {queue}")
        shown = said(address, f"tasks describe {queue}/tasks/t2 --response-view full --format value(httpRequest.body)")
        assert shown == "Mg==\n"
        assert said(google, f"tasks list --queue mail {there} --format value(name)") == "t0\nt1\nt2\n"
