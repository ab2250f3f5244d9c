"""The operation log: for the part of its operations that a queue samples, a line of JSON each.

The lines have the shape of Cloud Logging's entries of ``cloudtasks.googleapis.com/task_operations_log``, so what reads
those reads these. No body, header, token or query of a URL is ever in them: such things hold secrets.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from tidegate.core.errors import Code
from tidegate.core.lifecycle import Retry
from tidegate.core.names import TaskName
from tidegate.core.queue import Kind, Queue
from tidegate.core.target import METHOD_NAMES, HttpCall, compose
from tidegate.core.task import AppEngineRequest, PullMessage, Task
from tidegate.core.time_text import rfc3339, seconds
from tidegate.engine.ports.events import AttemptEnded, AttemptStarted, TasksCreated, TasksDeleted
from tidegate.observers.listeners import ByClass

LOG = "cloudtasks.googleapis.com%2Ftask_operations_log"
PAYLOAD = "type.googleapis.com/google.cloud.tasks.logging.v1.TaskActivityLog"

UNWRITTEN_MAX = 50_000
"""Lines that may wait for a slow disk, some 40 MB. Those beyond are not logged, and a line says how many."""

CLOSING_MAX = 5.0
"""Seconds within which the last lines are written at the end."""

STDERR = "-"


class OperationLog(ByClass):
    """``ports.Events``: writes the events that each queue's sampling ratio selects.

    ``dice`` rolls numbers from 0 up to 1, ``write`` takes a line with its end, ``app_engine`` is the setting.
    ``real_time`` tells the time where the engine's clock may be moved: lines say when they were written.
    """

    def __init__(
        self,
        dice: Callable[[], float],
        write: Callable[[bytes], None],
        app_engine: Mapping[str, str] | None = None,
        real_time: Callable[[], datetime] | None = None,
    ) -> None:
        self._dice = dice
        self._write = write
        self._app_engine = app_engine or {}
        self._real_time = real_time
        super().__init__(
            {
                TasksCreated: self._created,
                TasksDeleted: self._deleted,
                AttemptStarted: self._dispatched,
                AttemptEnded: self._responded,
            }
        )

    def _sampled(self, queue: Queue) -> bool:
        return queue.sampling_ratio > 0 and self._dice() < queue.sampling_ratio

    def _created(self, event: TasksCreated) -> None:
        if not event.queue.sampling_ratio:
            return
        for task in event.tasks:
            if self._sampled(event.queue):
                said = {"scheduleTime": rfc3339(task.schedule_time), "status": "OK", **self._target(event.queue, task)}
                self._enter(event.queue, task.name, target_type(task), event.at, {"taskCreationLog": said})

    def _deleted(self, event: TasksDeleted) -> None:
        for task_id in event.task_ids:
            if self._sampled(event.queue):
                # The task is gone; the kind of its queue tells whether it was a pull task.
                kind = "PULL" if event.queue.kind is Kind.PULL else "TARGET_TYPE_UNSPECIFIED"
                name = event.queue.name.task(task_id)
                self._enter(event.queue, name, kind, event.at, {"taskDeletionLog": {"status": "OK"}})

    def _dispatched(self, event: AttemptStarted) -> None:
        if self._sampled(event.queue):
            queue, task = event.queue, event.task
            said = {**self._counts(queue, task, task.response_count), "status": "OK"}
            self._enter(queue, task.name, target_type(task), event.at, {"attemptDispatchLog": said})

    def _responded(self, event: AttemptEnded) -> None:
        if not self._sampled(event.queue):
            return
        queue, task, outcome = event.queue, event.task, event.outcome
        code = event.status.code
        answered = outcome.answered and outcome.http_status < 500
        said: dict[str, Any] = {
            "attemptDuration": seconds(event.took),
            **self._counts(queue, task, task.response_count + answered),
            "status": code.name,
        }
        if isinstance(event.judgement, Retry):
            said["retryTime"] = rfc3339(event.judgement.task.schedule_time)
        severity = "INFO" if code is Code.OK else "ERROR"
        details = {"attemptResponseLog": said}
        self._enter(queue, task.name, target_type(task), event.at, details, severity, outcome.reason)

    def _counts(self, queue: Queue, task: Task, responses: int) -> dict[str, Any]:
        retry = task.retry_config or queue.retry_config
        return {
            "dispatchCount": str(task.dispatch_count),
            "responseCount": str(responses),
            "maxAttempts": retry.max_attempts,
            "scheduleTime": rfc3339(task.schedule_time),
            **self._target(queue, task),
        }

    def _target(self, queue: Queue, task: Task) -> dict[str, str]:
        """Where the task goes, as its queue routes it: method and URL, without the query, which may hold secrets."""
        kind = target_type(task)
        target = task.target
        if isinstance(target, PullMessage):
            return {"targetType": kind}
        call = compose(task, queue, self._app_engine)
        if isinstance(call, HttpCall):
            address = f"{call.method} {call.url.partition('?')[0]}"
        else:  # it cannot be called as it is, so it is not taken apart either
            address = METHOD_NAMES.get(target.http_method, "POST")
        return {"targetAddress": address, "targetType": kind}

    def _enter(
        self,
        queue: Queue,
        task: TaskName,
        kind: str,
        at: datetime,
        details: dict[str, Any],
        severity: str = "INFO",
        reason: str = "",
    ) -> None:
        name = queue.name
        labels = {
            "project_id": name.project,
            "location": name.location,
            "queue_id": name.queue,
            "target_type": kind,
        }
        entry = {
            "timestamp": rfc3339(at if self._real_time is None else self._real_time()),
            "severity": severity,
            "logName": f"projects/{name.project}/logs/{LOG}",
            "resource": {"type": "cloud_tasks_queue", "labels": labels},
            "jsonPayload": {"@type": PAYLOAD, "task": str.__str__(task), **details},
        }
        if reason:  # the payload has no place for it, but any entry may have labels
            entry["labels"] = {"reason": reason}
        self._write(msgspec.json.encode(entry) + b"\n")


class LineWriter:
    """Writes lines from a thread of its own, so that nobody waits for a disk or a pipe.

    ``path`` is a file to append to, made for its owner alone, or ``-`` for stderr; ``what`` is the name of the log.
    Raises OSError when it cannot be opened.
    """

    def __init__(self, path: str, what: str = "operation log") -> None:
        self._what = what
        self._file = 2 if path == STDERR else os.open(Path(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._lines: list[bytes] = []
        self._left_out = 0
        self._torn = False  # the last line that was written lacks its end
        self._arrived = threading.Condition(threading.Lock())
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=f"tidegate-{what.replace(' ', '-')}", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        with self._arrived:
            if len(self._lines) >= UNWRITTEN_MAX:
                self._left_out += 1
                return
            self._lines.append(line)
            if len(self._lines) == 1:
                self._arrived.notify()

    def close(self) -> None:
        """Write the lines that wait. Returns when they are written, or after the time limit when a pipe is stuck."""
        with self._arrived:
            self._closing = True
            self._arrived.notify()
        self._thread.join(CLOSING_MAX)
        if self._file > 2 and not self._thread.is_alive():
            os.close(self._file)

    def _run(self) -> None:
        while True:
            with self._arrived:
                while not self._lines:
                    if self._closing:
                        return
                    self._arrived.wait()
                lines, self._lines = self._lines, []
                left_out, self._left_out = self._left_out, 0
            data = b"".join(lines)
            if left_out:
                data += msgspec.json.encode({"severity": "WARNING", "linesLeftOut": left_out}) + b"\n"
            lost = data[self._put(data) :].count(b"\n")
            if lost:
                with self._arrived:  # the line that was to tell of others does not count, they do
                    self._left_out += lost - 1 + left_out if left_out else lost

    def _put(self, data: bytes) -> int:
        """Write as much as the file takes, from the beginning of a line; return how many bytes were written."""
        before = b"\n" if self._torn else b""
        data = before + data
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, memoryview(data)[written:])
        except OSError as error:  # the disk is full, say: tasks go on, and so does the log when it can
            if self._file > 2:
                sys.stderr.write(f"cannot write the {self._what}: {error}\n")
        if written:
            self._torn = not data.endswith(b"\n", 0, written)
        return max(0, written - len(before))


def target_type(task: Task) -> str:
    if isinstance(task.target, AppEngineRequest):
        return "APP_ENGINE_HTTP"
    return "PULL" if isinstance(task.target, PullMessage) else "HTTP"
