"""The operation log: lines in the shape of Cloud Logging's entries, as many as a queue samples, and nothing secret."""

from __future__ import annotations

import errno
import json
import os
import select
import stat
import threading
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from tests.engine.worlds import START, hands

from tidegate import operation_log
from tidegate.core.lifecycle import Outcome, judge
from tidegate.core.names import QueueName
from tidegate.core.queue import AppEngineRouting, HttpTarget, Kind, OidcToken, Queue, RetryConfig, UriOverride
from tidegate.core.task import AppEngineRequest, HttpRequest, PullMessage, Target, Task
from tidegate.core.times import Duration
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.ports.events import AttemptEnded, AttemptStarted, Event, QueueChanged, TasksCreated, TasksDeleted
from tidegate.operation_log import LineWriter, OperationLog

SECOND = timedelta(seconds=1)
NAME = QueueName.of("p", "us-central1", "mail")
QUEUE = Queue(name=NAME, sampling_ratio=1.0, retry_config=RetryConfig(max_attempts=7, min_backoff=Duration(2)))
LOG = "projects/p/logs/cloudtasks.googleapis.com%2Ftask_operations_log"
PAYLOAD = "type.googleapis.com/google.cloud.tasks.logging.v1.TaskActivityLog"


def task(target: Target | None = None, **fields: Any) -> Task:
    target = target or HttpRequest("https://handler.test/work?key=secret", headers={"X-Key": "secret"})
    return Task(name=NAME.task("t1"), target=target, schedule_time=START, create_time=START, body=b"secret", **fields)


def logged(*events: Event, rolls: tuple[float, ...] = (0.999,), app_engine: dict[str, str] | None = None) -> list[Any]:
    """The entries that the events make; the dice roll these numbers again and again."""
    lines: list[bytes] = []
    log = OperationLog(cycle(rolls).__next__, lines.append, app_engine)
    for event in events:
        log.emit(event)
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    return [json.loads(line) for line in lines]


def created(*tasks: Task, queue: Queue = QUEUE) -> TasksCreated:
    return TasksCreated(queue, tasks, START)


def ended(queue: Queue, task: Task, outcome: Outcome, took: timedelta = SECOND, at: datetime = START) -> AttemptEnded:
    return AttemptEnded(queue, task, outcome, judge(task, queue, outcome, at), took, at)


def test_a_created_task_is_an_entry_like_those_of_cloud_logging() -> None:
    (entry,) = logged(created(task()))
    assert entry == {
        "timestamp": "2026-03-01T12:00:00Z",
        "severity": "INFO",
        "logName": LOG,
        "resource": {
            "type": "cloud_tasks_queue",
            "labels": {"project_id": "p", "location": "us-central1", "queue_id": "mail", "target_type": "HTTP"},
        },
        "jsonPayload": {
            "@type": PAYLOAD,
            "task": f"{NAME}/tasks/t1",
            "taskCreationLog": {
                "scheduleTime": "2026-03-01T12:00:00Z",
                "status": "OK",
                "targetAddress": "POST https://handler.test/work",
                "targetType": "HTTP",
            },
        },
    }


def test_a_dispatch_tells_its_counts() -> None:
    under_way = task(dispatch_count=3, response_count=1, dispatched_at=START)
    (entry,) = logged(AttemptStarted(QUEUE, under_way, START + 5 * SECOND))
    assert entry["timestamp"] == "2026-03-01T12:00:05Z"
    assert entry["jsonPayload"]["attemptDispatchLog"] == {
        "dispatchCount": "3",
        "responseCount": "1",
        "maxAttempts": 7,
        "scheduleTime": "2026-03-01T12:00:00Z",
        "targetAddress": "POST https://handler.test/work",
        "targetType": "HTTP",
        "status": "OK",
    }


@pytest.mark.parametrize(
    ("outcome", "attempt", "severity", "status", "responses", "retry"),
    [
        (Outcome(200), 1, "INFO", "OK", "1", None),
        (Outcome(404), 1, "ERROR", "NOT_FOUND", "1", "2026-03-01T12:00:03.500Z"),
        (Outcome(503), 1, "ERROR", "UNAVAILABLE", "0", "2026-03-01T12:00:03.500Z"),
        (Outcome(timed_out=True), 2, "ERROR", "DEADLINE_EXCEEDED", "0", "2026-03-01T12:00:05.500Z"),
        (Outcome(404), 7, "ERROR", "NOT_FOUND", "1", None),  # the last: given up
    ],
)
def test_a_response_tells_status_duration_and_when_it_is_tried_again(
    outcome: Outcome, attempt: int, severity: str, status: str, responses: str, retry: str | None
) -> None:
    under_way = task(dispatch_count=attempt, dispatched_at=START, first_dispatch_time=START)
    took = timedelta(seconds=600, microseconds=1266)
    (entry,) = logged(ended(QUEUE, under_way, outcome, took, START + 1.5 * SECOND))
    said = entry["jsonPayload"]["attemptResponseLog"]
    assert (entry["severity"], said["status"]) == (severity, status)
    assert (said["dispatchCount"], said["responseCount"], said.get("retryTime")) == (str(attempt), responses, retry)
    assert said["attemptDuration"] == "600.001266s"


def test_a_response_that_no_longer_counts_tells_of_no_retry() -> None:
    under_way = task(dispatch_count=1, dispatched_at=START)
    (entry,) = logged(AttemptEnded(QUEUE, under_way, Outcome(500), None, SECOND, START))
    assert entry["jsonPayload"]["attemptResponseLog"]["status"] == "INTERNAL"
    assert "retryTime" not in entry["jsonPayload"]["attemptResponseLog"]


def test_an_attempt_without_an_answer_tells_why() -> None:
    under_way = task(dispatch_count=1, dispatched_at=START)
    (entry,) = logged(ended(QUEUE, under_way, Outcome(reason="connection refused")))
    assert entry["labels"] == {"reason": "connection refused"}
    assert entry["jsonPayload"]["attemptResponseLog"]["status"] == "UNKNOWN"
    (entry,) = logged(ended(QUEUE, under_way, Outcome(500)))
    assert "labels" not in entry


def test_deleted_tasks_are_logged_by_name() -> None:
    entries = logged(TasksDeleted(QUEUE, ["a", "b"], START))
    assert [entry["jsonPayload"]["task"] for entry in entries] == [f"{NAME}/tasks/a", f"{NAME}/tasks/b"]
    assert all(entry["jsonPayload"]["taskDeletionLog"] == {"status": "OK"} for entry in entries)
    (entry,) = logged(TasksDeleted(replace(QUEUE, kind=Kind.PULL), ["a"], START))
    assert entry["resource"]["labels"]["target_type"] == "PULL"


def test_an_address_is_where_the_queue_routes_the_task() -> None:
    routed = replace(QUEUE, http_target=HttpTarget(UriOverride(host="other.test", path="/new"), http_method=4))
    (entry,) = logged(created(task(HttpRequest("https://me:secret@handler.test/old?a=1#b")), queue=routed))
    assert entry["jsonPayload"]["taskCreationLog"]["targetAddress"] == "PUT https://other.test/new"


def test_app_engine_and_pull_tasks_have_types_of_their_own() -> None:
    there = AppEngineRequest(relative_uri="/work?key=secret", routing=AppEngineRouting(service="mail"))
    (entry,) = logged(created(task(there)), app_engine={"mail": "http://localhost:9000"})
    said = entry["jsonPayload"]["taskCreationLog"]
    assert (said["targetType"], said["targetAddress"]) == ("APP_ENGINE_HTTP", "POST http://localhost:9000/work")
    (entry,) = logged(created(task(PullMessage("tag"))))
    said = entry["jsonPayload"]["taskCreationLog"]
    assert said["targetType"] == entry["resource"]["labels"]["target_type"] == "PULL"
    assert "targetAddress" not in said


def test_nothing_secret_is_logged() -> None:
    targets: list[Target] = [
        HttpRequest("https://me:secret@a.test/x?secret=1#secret", headers={"Authorization": "secret"}),
        HttpRequest("https://me:secret@a.test:port/%zz?secret=1"),  # cannot be called
        HttpRequest("https://a.test/", token=OidcToken("robot@p.test", "secret")),
        AppEngineRequest(relative_uri="/x?secret=1", headers={"Cookie": "secret"}),
        PullMessage("secret"),
    ]
    for target in targets:
        under_way = task(target, dispatch_count=1, dispatched_at=START)
        end = ended(QUEUE, under_way, Outcome(500))
        entries = logged(created(under_way), AttemptStarted(QUEUE, under_way, START), end)
        assert len(entries) == 3
        assert "secret" not in json.dumps(entries)


def test_each_operation_is_logged_with_the_odds_of_its_queue() -> None:
    half = replace(QUEUE, sampling_ratio=0.5)
    assert len(logged(created(*[task()] * 10, queue=half), rolls=(0.4999, 0.5))) == 5
    assert len(logged(TasksDeleted(half, ["a", "b", "c", "d"], START), rolls=(0.4999, 0.5))) == 2


def test_a_queue_that_samples_nothing_is_not_even_rolled_for() -> None:
    silent = replace(QUEUE, sampling_ratio=0.0)
    under_way = task(dispatch_count=1, dispatched_at=START)
    events: list[Event] = [
        created(task(), queue=silent),
        AttemptStarted(silent, under_way, START),
        ended(silent, under_way, Outcome(500)),
        TasksDeleted(silent, ["a"], START),
        QueueChanged(NAME, "updated"),
    ]
    assert logged(*events, rolls=()) == []


async def test_the_engine_tells_of_every_operation() -> None:
    world = await hands()
    await world.engine.queues.create(QUEUE)
    new = check_task(TaskDraft(target=HttpDraft("https://handler.test/")), NAME, START)
    kept, deleted = [await world.engine.tasks.create(NAME, new) for _ in range(2)]
    await world.engine.tasks.delete(deleted.name)
    await world.engine.tasks.run(kept.name)
    await world.engine.dispatcher.drain(SECOND)
    kinds = [next(key for key in entry["jsonPayload"] if key.endswith("Log")) for entry in logged(*world.notes.events)]
    assert kinds == [
        "taskCreationLog",
        "taskCreationLog",
        "taskDeletionLog",
        "attemptDispatchLog",
        "attemptResponseLog",
    ]


def test_lines_are_appended_to_a_file_of_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "operations.log"
    for part in (["one\n", "two\n"], ["three\n"]):
        writer = LineWriter(str(path))
        for line in part:
            writer.write(line.encode())
        writer.close()
    assert path.read_text() == "one\ntwo\nthree\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_line_says_how_many_a_slow_disk_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation_log, "UNWRITTEN_MAX", 3)
    fifo = tmp_path / "slow"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    writer = LineWriter(str(fifo))
    big = b"x" * 1_000_000 + b"\n"  # more than a pipe holds: the thread waits in the middle of it
    writer.write(big)
    assert select.select([reader], [], [], 30)[0]
    assert os.read(reader, 1) == b"x"
    for _ in range(5):
        writer.write(b"more\n")
    rest = b""
    os.set_blocking(reader, True)
    while b"LeftOut" not in rest or not rest.endswith(b"\n"):
        rest += os.read(reader, 1 << 20)
    writer.close()
    os.close(reader)
    lines = rest.removeprefix(b"x" * 999_999).splitlines()
    assert lines[1:4] == [b"more"] * 3
    assert json.loads(lines[4]) == {"severity": "WARNING", "linesLeftOut": 2}


class Disk:
    """``os.write`` of a disk that has room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.full = threading.Event()
        self._write = os.write

    def write(self, file: int, data: memoryview) -> int:
        if not self.room:
            self.full.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(file, data[: self.room])
        self.room -= written
        return written


def test_what_a_full_disk_tore_ends_its_line_and_every_lost_line_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(room=len("one\ntw"))
    monkeypatch.setattr(os, "write", disk.write)
    path = tmp_path / "operations.log"
    writer = LineWriter(str(path))
    writer.write(b"one\ntwo\nthree\n")
    assert disk.full.wait(30)
    disk.full.clear()
    writer.write(b"four\n")  # and the line that counts the others
    assert disk.full.wait(30)
    disk.room = 1000
    writer.write(b"five\n")
    writer.close()
    *lines, told = path.read_text().splitlines()
    assert lines == ["one", "tw", "five"]
    assert json.loads(told)["linesLeftOut"] == 3
