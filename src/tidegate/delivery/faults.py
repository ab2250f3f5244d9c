"""A sender around the sender, which lets attempts meet the faults of their queue."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec.structs import replace

from tidegate.core.faults import (
    Delay,
    DropResponse,
    Duplicate,
    Effect,
    FacedAttempt,
    Hang,
    NoAnswer,
    Refuse,
    StatusAnswer,
)
from tidegate.core.lifecycle import MAY_ASK_FOR_ROOM, Outcome
from tidegate.core.names import QueueName
from tidegate.core.target import HttpCall
from tidegate.delivery.http_sender import TIMED_OUT
from tidegate.delivery.reasons import HUNG_UP, REFUSED
from tidegate.engine.faults import Faults
from tidegate.engine.ports.world import MachineClock, Sender, SendReport

TASK_HEADERS: Final = frozenset({"X-CloudTasks-TaskName", "X-AppEngine-TaskName"})
RETRY_HEADERS: Final = frozenset({"X-CloudTasks-TaskRetryCount", "X-AppEngine-TaskRetryCount"})
"""The last ones of these names are ours: what tasks bring themselves comes before."""


class FaultySender:
    """``ports.Sender``: sends by another one, unless a fault says otherwise."""

    def __init__(self, sender: Sender, faults: Faults, clock: MachineClock) -> None:
        self._sender = sender
        self._faults = faults
        self._clock = clock
        self._copies: set[asyncio.Task[Outcome]] = set()

    @property
    def connections_kept_for(self) -> float:
        return self._sender.connections_kept_for

    async def send(self, call: HttpCall, authorization: str | None, report: SendReport | None = None) -> Outcome:
        queue = QueueName(call.queue)
        if queue not in self._faults:
            return await self._sender.send(call, authorization, report)
        met = self._faults.meet(queue, faced(call))
        if report is not None and met:
            report.fault = ",".join(fault.id for fault in met)
        return await self._faced([fault.effect for fault in met], call, authorization, report)

    async def close(self) -> None:
        """Close the sender; copies that are under way end."""
        for copy in self._copies:
            copy.cancel()
        if self._copies:
            await asyncio.wait(self._copies)
        await self._sender.close()

    async def _faced(
        self, met: Sequence[Effect], call: HttpCall, authorization: str | None, report: SendReport | None
    ) -> Outcome:
        """The outcome of an attempt that meets these faults, in their order."""
        deadline = self._clock.monotonic() + call.timeout.total_seconds()
        for effect in met:
            outcome = await self._before(effect, deadline)
            if outcome is not None:
                return outcome
        call = replace(call, timeout=timedelta(seconds=deadline - self._clock.monotonic()))
        duplicate = next((effect for effect in met if isinstance(effect, Duplicate)), None)
        if duplicate is None:
            outcome = await self._sender.send(call, authorization, report)
        else:
            outcome = await self._sent_often(duplicate, call, authorization, report)
        drops = any(isinstance(effect, DropResponse) for effect in met)
        return TIMED_OUT if drops and outcome.answered else outcome

    async def _before(self, effect: Effect, deadline: float) -> Outcome | None:
        """What comes of a fault before anything is sent; None when the request goes on its way."""
        left = deadline - self._clock.monotonic()
        match effect:
            case Refuse():
                return Outcome(reason=REFUSED)
            case StatusAnswer(code, retry_after):
                return Outcome(code, retry_after=retry_after if code in MAY_ASK_FOR_ROOM else None)
            case NoAnswer():
                return Outcome(reason=HUNG_UP)
            case Hang():
                await self._clock.sleep(left)
                return TIMED_OUT
            case Delay(duration):
                wait = duration.total_seconds()
                await self._clock.sleep(min(wait, left))
                return TIMED_OUT if wait >= left else None
        return None

    async def _sent_often(
        self, often: Duplicate, call: HttpCall, authorization: str | None, report: SendReport | None
    ) -> Outcome:
        """The first answer to a request that is sent so often, else the last outcome. Every copy goes its way."""
        apart = often.spacing.total_seconds()
        copies = [
            asyncio.ensure_future(self._copy(number * apart, call, authorization, None if number else report))
            for number in range(often.times)
        ]
        self._copies.update(copies)
        for copy in copies:
            copy.add_done_callback(self._copies.discard)
        try:
            for ended in asyncio.as_completed(copies):
                outcome = await ended
                if outcome.answered:
                    break
        except asyncio.CancelledError:
            for copy in copies:
                copy.cancel()
            raise
        return outcome

    async def _copy(self, wait: float, call: HttpCall, authorization: str | None, report: SendReport | None) -> Outcome:
        if wait:
            await self._clock.sleep(wait)
        return await self._sender.send(call, authorization, report)


def faced(call: HttpCall) -> FacedAttempt:
    """What of a call decides which faults it meets."""
    task, retries = "", "0"
    for name, value in call.headers:
        if name in TASK_HEADERS:
            task = value
        elif name in RETRY_HEADERS:
            retries = value
    return FacedAttempt(task, int(retries) + 1, call.url)
