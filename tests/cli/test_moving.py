"""Export, import and import-gcp between real servers: what comes out again is what went in."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.running import Result, run
from tests.cli.serving import served
from tests.endtoend.waiting import eventually

WHOLE = "export --include-dead --include-policies --include-secrets"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The addresses of two servers. Each test has a project of its own there."""
    folder, memory = tmp_path_factory.mktemp("servers"), ("--dev", "--store", "sqlite://:memory:")
    with served(*memory, directory=folder) as one, served(*memory, directory=folder) as other:
        yield one, other


class At:
    """Command lines to a server, in a project."""

    def __init__(self, address: str, project: str) -> None:
        self.address = address
        self.project = project

    def typed(self, line: str) -> Result:
        where = {"TIDEGATE_PROJECT": self.project, "TIDEGATE_LOCATION": "us-central1"}
        return run(*shlex.split(line), TIDEGATE_ADDRESS=self.address, **where)

    def said(self, line: str) -> str:
        done = self.typed(line)
        assert done.exit_code == 0, done.stderr
        return done.stdout


@pytest.fixture
def server(both: tuple[str, str], request: pytest.FixtureRequest) -> At:
    return At(both[0], project_of(request))


@pytest.fixture
def other(both: tuple[str, str], request: pytest.FixtureRequest) -> At:
    return At(both[1], project_of(request))


def project_of(request: pytest.FixtureRequest) -> str:
    return f"p{len(request.node.name)}"


def records(exported: str) -> list[dict[str, object]]:
    """The lines, without the first, which says when and by whom."""
    return [record for record in map(json.loads, exported.splitlines()) if "header" not in record]


def filled(at: At) -> None:
    """Queues of both kinds, paused and not; tasks with bodies, headers and counts; dead ones; a policy."""
    at.said("queues create mail --max-attempts 7 --max-dispatches-per-second 5 --routing-override service:s")
    at.said("queues create work --max-attempts 1")
    at.said("queues create slow --min-backoff 3600s")
    at.said("queues create-pull-queue pull")
    at.said("queues pause mail")
    tomorrow = (datetime.now(UTC) + timedelta(days=20)).isoformat()
    to = "--queue mail --url http://127.0.0.1:9/x"
    at.said(f'tasks create-http-task t1 {to} --header "Authorization: Bearer s3cret" --body-content "héllo"')
    at.said(f"tasks create-http-task t2 {to} --schedule-time {tomorrow} --method PUT")
    at.said("tasks create-app-engine-task t3 --queue mail --relative-uri /y --routing service:a")
    at.said('tasks create-app-engine-task t4 --queue mail --header "User-Agent: mine"')
    at.said("tasks create-pull-task p1 --queue pull --tag big --payload-content x")
    at.said("tasks lease --queue pull --lease-duration 60")
    for task_id in ("d1", "d2"):
        at.said(f"tasks create-http-task {task_id} --queue work --url http://127.0.0.1:9/{task_id}")
    at.said("tasks create-http-task tried --queue slow --url http://127.0.0.1:9/l")
    eventually("both are dead", lambda: at.said("dead list --queue work --format value(name)").count("\n") == 2)
    responses = "tasks describe tried --queue slow --format value(dispatchCount,lastAttempt.responseTime)"
    eventually("it was tried", lambda: at.said(responses).startswith("1\t2"))
    at.said("queues add-iam-policy-binding mail --member user:a@b.c --role roles/cloudtasks.viewer")


def test_an_export_of_what_was_imported_is_the_export(server: At, other: At, tmp_path: Path) -> None:
    filled(server)
    first = server.said(WHOLE)
    kinds = [kind for record in records(first) for kind in record]
    assert {kind: kinds.count(kind) for kind in kinds} == {"queue": 4, "task": 6, "deadTask": 2, "trailer": 1}
    file = tmp_path / "state.jsonl"
    file.write_text(first)
    done = other.typed(f"import {file}")
    assert (done.exit_code, done.stderr) == (0, "Imported 12, skipped 0 that were there.\n")
    second = other.said(WHOLE)
    for before, after in zip(records(first), records(second), strict=True):
        assert after == before
    again = other.typed(f"import {file}")
    assert again.stderr == "Imported 0, skipped 12 that were there.\n"
    assert records(other.said(WHOLE)) == records(first)


def from_google(source: At) -> str:
    return (
        f"import-gcp --from-project {source.project} --from-location us-central1 --from-address http://{source.address}"
    )


def test_following_ends_when_the_source_is_empty_and_drops_what_was_delivered_there(
    server: At, other: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.said("queues create mail")
    server.said("queues pause mail")
    for task_id in ("a", "b"):
        server.said(f"tasks create-http-task {task_id} --queue mail --url http://127.0.0.1:9/")
    rounds = iter(
        [
            ["tasks delete a --queue mail", "tasks create-http-task c --queue mail --url http://127.0.0.1:9/"],
            ["tasks delete b --queue mail", "tasks delete c --queue mail"],
        ]
    )
    seen: list[str] = []

    def meanwhile(_seconds: float) -> None:
        seen.append(other.said("tasks list --queue mail --format value(name)"))
        for line in next(rounds):
            server.said(line)

    monkeypatch.setattr("tidegate.cli.run.operating.google.time.sleep", meanwhile)
    line = from_google(server)
    assert other.typed(f"{line} --follow").exit_code == 0
    assert seen == ["a\nb\n", "b\nc\n"]
    assert other.typed("tasks list --queue mail").stderr == "Listed 0 items.\n"
    assert "state: PAUSED" in server.said("queues describe mail")


def test_only_pause_source_changes_the_source(server: At, other: At) -> None:
    server.said("queues create mail")
    line = from_google(server)
    other.said(line)
    assert "state: RUNNING" in server.said("queues describe mail")
    assert other.typed(f"{line} --pause-source --follow").exit_code == 1
    other.said(f"{line} --pause-source")
    assert "state: PAUSED" in server.said("queues describe mail")
