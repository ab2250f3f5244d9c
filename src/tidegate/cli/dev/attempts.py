"""A line on stdout for each attempt: ``12:00:01.123 mail/t1 attempt 2 503 41 ms next in 20 s http://…``."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

from tidegate.cli.colours import GREEN, RED, YELLOW, paint
from tidegate.core.lifecycle import Outcome, Retry
from tidegate.core.target import app_engine_base, host_called
from tidegate.core.task import HttpRequest
from tidegate.delivery import container
from tidegate.delivery.reasons import REFUSED
from tidegate.engine.ports.events import AttemptEnded, Event

HINT = "nothing listens on {host} in this container; on the host it is host.docker.internal{port}"


class AttemptLines:
    """``ports.Events``: writes a line at the end of each attempt.

    ``app_engine`` is the setting, which says where App Engine tasks go; ``out`` is where the lines are written.
    """

    def __init__(self, app_engine: Mapping[str, str], out: Any = None, *, in_container: bool | None = None) -> None:
        self._app_engine = app_engine
        self._out = sys.stdout if out is None else out
        self._in_container = container.in_container() if in_container is None else in_container
        self._hinted: set[str] = set()

    def emit(self, event: Event) -> None:
        if type(event) is not AttemptEnded:
            return
        with suppress(OSError, ValueError):  # nobody may be reading any more
            self._out.write(f"{self._line(event)}\n{self._hint(event)}")
            self._out.flush()

    def _line(self, event: AttemptEnded) -> str:
        task, outcome = event.task, event.outcome
        _, queue_id, _, task_id = task.name.rsplit("/", 3)
        when = f"{event.at.astimezone():%H:%M:%S}.{event.at.microsecond // 1000:03d}"
        took = f"{event.took // timedelta(milliseconds=1)} ms"
        return " ".join(
            filter(
                None,
                (
                    f"{when} {queue_id}/{task_id} attempt {task.dispatch_count}",
                    self._result(outcome),
                    took,
                    _next(event),
                    self._url(event),
                ),
            )
        )

    def _result(self, outcome: Outcome) -> str:
        if outcome.succeeded:
            return paint(str(outcome.http_status), GREEN, self._out)
        if outcome.http_status:
            return paint(str(outcome.http_status), YELLOW, self._out)
        return paint(outcome.reason or "no answer", RED, self._out)

    def _url(self, event: AttemptEnded) -> str:
        target = event.task.target
        if isinstance(target, HttpRequest):
            return target.url
        routing = event.queue.app_engine_routing or getattr(target, "routing", None)
        if routing is None:
            return ""
        base = app_engine_base(routing, event.queue.name.project, self._app_engine)
        return base + (getattr(target, "relative_uri", "") or "/")

    def _hint(self, event: AttemptEnded) -> str:
        """Once for each host: why ``localhost`` refuses inside a container."""
        if not self._in_container or event.outcome.reason != REFUSED:
            return ""
        host = host_called(event.task, event.queue, self._app_engine)
        name, colon, port = host.partition(":")
        if name not in {"localhost", "127.0.0.1"} or host in self._hinted:
            return ""
        self._hinted.add(host)
        return f"{paint(HINT.format(host=host, port=colon + port), YELLOW, self._out)}\n"


def _next(event: AttemptEnded) -> str:
    """When the task is tried again, or that it is given up; empty when it is done or was deleted meanwhile."""
    if event.judgement is None or event.outcome.succeeded:
        return ""
    if not isinstance(event.judgement, Retry):
        return "given up"
    wait = (event.judgement.task.schedule_time - event.at).total_seconds()
    return f"next in {wait:.3g} s"
