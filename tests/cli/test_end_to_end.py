"""The commands against a real server, from a queue to a delivered task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import Result, run
from tests.cli.serving import served

PLACE = ("--project", "demo", "--location", "here")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    fast = ("--store", "sqlite://:memory:", "--location", "here", "--queue-name-reuse-after", "0s")
    with served(*fast, directory=tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture
def tidegate(address: str) -> Iterator[object]:
    def typed(*words: str, stdin: str = "") -> Result:
        return run(*words, *PLACE, stdin=stdin, CLOUD_TASKS_EMULATOR_HOST=address)

    yield typed
    assert typed("queues", "list", "--format", "value(name)").stdout == "", "a test leaves queues behind"


def good(done: Result) -> str:
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_a_queue_lives_as_the_commands_say(tidegate) -> None:
    assert tidegate("queues", "create", "mail", "--max-attempts", "5", "--max-backoff", "20s").stderr == (
        "Created queue [here/mail].\n"
    )
    shown = json.loads(good(tidegate("queues", "describe", "mail", "--format", "json")))
    assert (shown["retryConfig"]["maxAttempts"], shown["retryConfig"]["maxBackoff"]) == (5, "20s")
    good(tidegate("queues", "update", "mail", "--clear-max-attempts", "--max-dispatches-per-second", "7"))
    shown = json.loads(good(tidegate("queues", "describe", "mail", "--format", "json")))
    assert (shown["retryConfig"]["maxAttempts"], shown["rateLimits"]["maxDispatchesPerSecond"]) == (100, 7.0)
    good(tidegate("queues", "pause", "mail"))
    assert (
        good(tidegate("queues", "list", "--filter", "state=PAUSED", "--format", "value(name,state)"))
        == "mail\tPAUSED\n"
    )
    good(tidegate("queues", "resume", "mail"))
    again = tidegate("queues", "create", "mail")
    assert (again.exit_code, again.stderr) == (
        1,
        "ERROR: (tidegate.tasks.queues.create) ALREADY_EXISTS: Queue already exists\n",
    )
    assert tidegate("queues", "delete", "mail", stdin="n\n").exit_code == 1
    good(tidegate("queues", "delete", "mail", stdin="y\n"))
    assert tidegate("queues", "list").stderr == "Listed 0 items.\n"


def test_tasks_are_made_listed_and_deleted(tidegate) -> None:
    good(tidegate("queues", "create", "mail"))
    good(tidegate("queues", "pause", "mail"))
    for number in range(30):
        words = ("tasks", "create-http-task", f"t{number:02}", "--queue", "mail", "--url", "http://127.0.0.1:1/x")
        good(tidegate(*words, "--body-content", "hello", "--header", "A: b"))
    lines = good(tidegate("tasks", "list", "--queue", "mail")).splitlines()
    assert [line.split()[0] for line in lines] == ["TASK_NAME", *(f"t{number:02}" for number in range(30))]
    task = json.loads(
        good(tidegate("tasks", "describe", "t07", "--queue", "mail", "--response-view", "full", "--format", "json"))
    )
    assert task["httpRequest"]["body"] == "aGVsbG8="
    assert task["httpRequest"]["headers"]["A"] == "b"
    good(tidegate("tasks", "delete", "t07", "--queue", "mail"))
    assert tidegate("tasks", "describe", "t07", "--queue", "mail").exit_code == 1
    assert tidegate("queues", "purge", "mail", "--quiet").stderr == "Purged queue [here/mail].\n"
    assert tidegate("tasks", "list", "--queue", "mail").stderr == "Listed 0 items.\n"
    good(tidegate("queues", "delete", "mail", "--quiet"))


def test_a_pull_queue_is_worked_off(tidegate) -> None:
    good(tidegate("queues", "create-pull-queue", "work"))
    good(tidegate("tasks", "create-pull-task", "p1", "--queue", "work", "--tag", "big", "--payload-content", "x"))
    leased = json.loads(
        good(
            tidegate("tasks", "lease", "--queue", "work", "--lease-duration", "60", "--tag", "big", "--format", "json")
        )
    )
    until = leased[0]["scheduleTime"]
    words = ("p1", "--queue", "work", "--schedule-time", until)
    renewed = json.loads(good(tidegate("tasks", "renew-lease", *words, "--lease-duration", "90", "--format", "json")))
    good(tidegate("tasks", "acknowledge", "p1", "--queue", "work", "--schedule-time", renewed["scheduleTime"]))
    good(tidegate("alpha", "tasks", "queues", "delete", "work", "--quiet"))


def test_policies_and_keys_are_changed(tidegate, tmp_path: Path) -> None:
    good(tidegate("queues", "create", "mail"))
    binding = ("mail", "--member", "user:a@example.com", "--role", "roles/cloudtasks.viewer")
    good(tidegate("queues", "add-iam-policy-binding", *binding))
    file = tmp_path / "policy.json"
    file.write_text(good(tidegate("queues", "get-iam-policy", "mail", "--format", "json")))
    assert "user:a@example.com" in file.read_text()
    good(tidegate("queues", "remove-iam-policy-binding", *binding))
    stale = tidegate("queues", "set-iam-policy", "mail", str(file))
    assert stale.exit_code == 1  # somebody changed it since
    good(tidegate("queues", "delete", "mail", "--quiet"))
    described = tidegate("tasks", "cmek-config", "describe", "--format", "value(name)")
    assert good(described) == "projects/demo/locations/here/cmekConfig\n"
