"""Attempts on their way from the engine, in its thread, to handlers in the test's."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from datetime import timedelta

from tidegate.core.lifecycle import Outcome
from tidegate.core.target import HttpCall
from tidegate.delivery.reasons import REFUSED
from tidegate.engine.ports.world import SendReport
from tidegate.testing.apps import Answer
from tidegate.testing.handler_request import HandlerRequest

RETRY_AFTER = "retry-after"


class Delivery:
    """An attempt that waits for its handler's answer."""

    def __init__(self, request: HandlerRequest, loop: asyncio.AbstractEventLoop) -> None:
        self.request = request
        self._loop = loop
        self._answered: asyncio.Future[Outcome] = loop.create_future()

    def answer(self, answer: Answer) -> None:
        """End the attempt with this answer; from any thread."""
        self.request.status = answer.status
        self._end(Outcome(answer.status, retry_after=_retry_after(answer)))

    def refuse(self) -> None:
        """End the attempt as if nobody listened there."""
        self._end(Outcome(reason=REFUSED))

    async def ended(self, within: timedelta) -> Outcome:
        """How the attempt ended, by the machine's time."""
        try:
            return await asyncio.wait_for(self._answered, within.total_seconds())
        except TimeoutError:
            return Outcome(timed_out=True)

    def _end(self, outcome: Outcome) -> None:
        self._loop.call_soon_threadsafe(self._set, outcome)

    def _set(self, outcome: Outcome) -> None:
        if not self._answered.done():
            self._answered.set_result(outcome)


class Deliveries:
    """``ports.Sender``: keeps what is sent until the test takes it."""

    connections_kept_for = 0.0

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: deque[Delivery] = deque()
        self._arrived = asyncio.Event()

    async def send(self, call: HttpCall, authorization: str | None, report: SendReport | None = None) -> Outcome:
        if report is not None:
            report.peer = "in process"
        headers = call.headers if authorization is None else (*call.headers, ("Authorization", authorization))
        delivery = Delivery(HandlerRequest(call.method, call.url, headers, call.body), self._loop)
        self._waiting.append(delivery)
        self._arrived.set()
        return await delivery.ended(call.timeout)

    async def close(self) -> None:
        """Nothing is open."""

    def take(self) -> Delivery | None:
        """The next attempt that waits for a handler; from any thread."""
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    async def arrived(self, within: float) -> None:
        """Wait until an attempt is there to be taken, so many seconds at most; on the engine's loop."""
        self._arrived.clear()
        if not self._waiting:
            try:
                await asyncio.wait_for(self._arrived.wait(), within)
            except TimeoutError:
                return

    @property
    def empty(self) -> bool:
        return not self._waiting


def _retry_after(answer: Answer) -> timedelta | None:
    text = next((value for name, value in answer.headers if name.lower() == RETRY_AFTER), "")
    try:
        seconds = float(text)
    except ValueError:
        return None
    return timedelta(seconds=seconds) if math.isfinite(seconds) and 0 <= seconds < 1e9 else None
