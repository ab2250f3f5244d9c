"""What docs/cli.md and docs/operating.md have people type for the command line, typed."""

from __future__ import annotations

import io
import re
import shlex
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.dev.dev_server import application, started, until
from tests.cli.serving import served
from tests.snippets.claims import snippet
from tests.snippets.shell import shell

import tidegate
from tidegate.cli.dev.attempts import AttemptLines
from tidegate.core.lifecycle import Outcome, judge
from tidegate.core.names import QueueName, TaskName
from tidegate.core.queue import Queue
from tidegate.core.task import HttpRequest, Task
from tidegate.engine.ports.events import AttemptEnded

SNIPPETS = {
    "docs/cli.md sh 1 2 3 4": "typed: dev delivers a task, contexts are kept, a file is applied, shells complete",
    "docs/cli.md text 1": "written by the lines of dev for the attempt that it is of",
    "docs/operating.md sh 1": "typed, with a queue.yaml, against a server",
}

PLACE = "projects/shop/locations/here"


def test_dev_has_the_queue_and_calls_the_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    program, command, *words = shlex.split(snippet("docs/cli.md", "sh", 1))
    assert (program, command) == ("tidegate", "dev")
    with application() as (url, calls):
        words = [url if word == "http://localhost:3000" else word for word in words]
        assert url in words
        with started("--port", "0", *words) as lines:
            queue = until(lines, "queue  ").split()[1]
            assert queue == "projects/demo/locations/us-central1/queues/mail"
            address = until(lines, "export CLOUD_TASKS_EMULATOR_HOST=").partition("=")[2]
            with tidegate.connect(address) as client:
                client.create_task(parent=queue, task=tidegate.http_task("https://shop.example.com/work"))
            assert calls.get(timeout=60) == ("/work", "shop.example.com")


def test_the_line_of_an_attempt_looks_as_it_is_shown() -> None:
    shown = snippet("docs/cli.md", "text", 1)
    time, name, _, count, status, took, *_, url = shown.split()
    queue_id, task_id = name.split("/")
    at = datetime.fromisoformat(f"2026-03-01T{time}").astimezone(UTC)  # it is shown in the time of the place
    queue = Queue(name=QueueName.of("p", "l", queue_id))
    task = Task(
        name=TaskName(f"{queue.name}/tasks/{task_id}"),
        target=HttpRequest(url),
        schedule_time=at,
        create_time=at,
        dispatch_count=int(count),
        dispatched_at=at,
    )
    outcome = Outcome(int(status))
    out = io.StringIO()
    ended = AttemptEnded(queue, task, outcome, judge(task, queue, outcome, at), timedelta(milliseconds=int(took)), at)
    AttemptLines({}, out, in_container=False).emit(ended)
    assert out.getvalue() == shown


def test_a_context_is_kept_for_its_owner_and_chosen(tmp_path: Path) -> None:
    shell(snippet("docs/cli.md", "sh", 2), tmp_path)
    (file,) = tmp_path.rglob("contexts.toml")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert shell("tidegate context list", tmp_path) == "* prod  https://tasks.example.com\n"


@pytest.mark.parametrize(("page", "number"), [("docs/cli.md", 3), ("docs/operating.md", 1)])
def test_a_queue_yaml_is_planned_and_applied(page: str, number: int, tmp_path: Path) -> None:
    (tmp_path / "queue.yaml").write_text("queue:\n- name: mail\n  rate: 5/s\n")
    with served("--store", "sqlite://:memory:", "--location", "here", directory=tmp_path) as address:
        known = {"TIDEGATE_PROJECT": "shop", "TIDEGATE_LOCATION": "here"}
        said = shell(snippet(page, "sh", number), tmp_path, int(address.rpartition(":")[2]), known)
        assert "mail" in said
        with tidegate.connect(address) as client:
            queue = client.get_queue(name=f"{PLACE}/queues/mail")
    assert queue.rate_limits.max_dispatches_per_second == 5


@pytest.mark.parametrize(
    ("name", "asks", "answers"),
    [
        ("bash", "complete -p tidegate", "tidegate"),
        ("zsh", "print -l $_comps[tidegate]", "_tidegate"),
        ("fish", 'complete -C "tidegate comp"', "completion"),
    ],
)
def test_a_shell_completes_after_its_line(name: str, asks: str, answers: str, tmp_path: Path) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    lines = snippet("docs/cli.md", "sh", 4).splitlines()
    line = next(line for line in lines if "fish" in line) if name == "fish" else lines[0].replace(" bash)", f" {name})")
    assert re.search(rf"completion {name}\b", line)
    before = "autoload -Uz compinit; compinit -u\n" if name == "zsh" else ""
    assert answers in shell(f"{before}{line}\n{asks}", tmp_path, program=name)
