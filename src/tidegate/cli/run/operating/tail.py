"""``tidegate tail``: a line for each attempt, as it ends, for as long as somebody looks."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from tidegate.cli.colours import GREEN, RED, YELLOW, paint
from tidegate.cli.problems import UNREACHABLE, CommandError
from tidegate.cli.run.operating.spans import milliseconds, read_time, said_span
from tidegate.cli.run.rest import RefusedError
from tidegate.cli.run.session import Session

RING = 10_000
"""Events that a server remembers."""

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds before another try to reach a server that was there."""


def tail(session: Session) -> None:
    """Print the attempts of queues as they end, until Ctrl-C, which is no error here."""
    with suppress(KeyboardInterrupt):
        Tail(session).run()


class Tail:
    """One ``tail`` at work; ``cursor`` is where the next connection goes on."""

    def __init__(self, session: Session) -> None:
        line = session.line
        self._session = session
        self._queues = {session.queue(text) for text in line.words.get("QUEUE") or ()}
        self._failed = line.has("--failed")
        self._json = session.format is not None and session.format.name == "json"
        since = line.value("--since")
        self._since = float(since.removesuffix("s")) if since else None
        self._cursor = ""
        self._was_there = False

    def run(self) -> None:
        """Print until the server refuses, or nobody reads any more."""
        pause = FIRST_PAUSE
        while True:
            try:
                for event in self._events():
                    pause = FIRST_PAUSE
                    self._show(event)
                problem = "the server ended the stream"
            except CommandError as error:
                leaving = isinstance(error, RefusedError) and error.status == "UNAVAILABLE"
                if not (error.code == UNREACHABLE or leaving) or not self._was_there:
                    raise
                problem = error.text.partition(";")[0]
            self._note(f"{problem}; trying again in {pause:g} s")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _events(self) -> Iterator[dict[str, Any]]:
        query: dict[str, Any] = {}
        if self._cursor:
            query["cursor"] = self._cursor
        elif self._since is not None:
            query["replayLast"] = RING
        path = f"/{self._session.version}/{self._parent()}/events:watch"
        yield from self._session.server.stream(path, query, self._opened)

    def _opened(self) -> None:
        self._was_there = True

    def _parent(self) -> str:
        """The narrowest place that has all queues: a location, or the whole server."""
        parents = {queue.partition("/queues/")[0] for queue in self._queues}
        return parents.pop() if len(parents) == 1 else "-"

    def _show(self, event: dict[str, Any]) -> None:
        self._cursor = event.get("cursor", self._cursor)
        kind = event.get("kind")
        if kind == "GAP":
            self._note(f"events are missing here: {event.get('text') or 'the server no longer has them'}")
            return
        if kind != "ATTEMPT_ENDED" or (self._queues and event.get("queue") not in self._queues):
            return
        if self._failed and event.get("attempt", {}).get("outcome") == "SUCCEEDED":
            return
        if self._since is not None and read_time(event["time"]) < datetime.now(UTC) - timedelta(seconds=self._since):
            return
        print(json.dumps(event, sort_keys=True, ensure_ascii=False) if self._json else attempt_line(event), flush=True)

    def _note(self, text: str) -> None:
        print(paint(f"tail: {text}", YELLOW, sys.stderr), file=sys.stderr, flush=True)


def attempt_line(event: dict[str, Any]) -> str:
    """``12:00:01.123 mail/t1 attempt 2 503 41 ms next in 20 s http://…``."""
    attempt = event.get("attempt", {})
    _, queue, _, task = event["task"].rsplit("/", 3)
    ended = read_time(attempt.get("endTime") or event["time"])
    when = f"{ended.astimezone():%H:%M:%S}.{ended.microsecond // 1000:03d}"
    parts = [
        f"{when} {queue}/{task} attempt {attempt.get('number', '?')}",
        _result(attempt),
        milliseconds(attempt.get("timing", {}).get("total")),
        _next(attempt, ended),
        attempt.get("request", {}).get("url", ""),
    ]
    return " ".join(filter(None, parts))


def _result(attempt: dict[str, Any]) -> str:
    status = attempt.get("httpStatus")
    if attempt.get("outcome") == "SUCCEEDED":
        return paint(str(status or "ok"), GREEN, sys.stdout)
    if status:
        return paint(str(status), YELLOW, sys.stdout)
    return paint(attempt.get("error") or attempt.get("outcome", "no answer"), RED, sys.stdout)


def _next(attempt: dict[str, Any], ended: datetime) -> str:
    if retry := attempt.get("retryTime"):
        return f"next in {said_span(read_time(retry) - ended)}"
    return "given up" if attempt.get("final") and attempt.get("outcome") != "SUCCEEDED" else ""
