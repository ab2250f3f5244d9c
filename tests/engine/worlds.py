"""An engine in the hands of a test: memory for a store, a clock that only the test moves, a network that says what it
is told to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.engine.twice import TwiceStore
from tests.ids import CountingIds

from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Token
from tidegate.core.target import HttpCall
from tidegate.engine.engine import Engine
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.events import Event
from tidegate.engine.ports.world import World

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class HandTimer:
    """``ports.Timer`` of a clock that stands still until it is advanced."""

    def __init__(self, at: datetime, wake: Callable[[], None]) -> None:
        self.at = at
        self.wake: Callable[[], None] | None = wake

    def cancel(self) -> None:
        self.wake = None


class HandClock:
    """``ports.Clock`` and ``ports.MachineClock`` that stand still until they are advanced."""

    def __init__(self) -> None:
        self._now = START
        self._timers: list[HandTimer] = []

    def now(self) -> datetime:
        return self._now

    def elapsed(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        return (self._now - START).total_seconds()

    async def sleep(self, seconds: float) -> None:
        await asyncio.get_running_loop().create_future()  # nobody wakes up by himself

    def call_at(self, moment: datetime, wake: Callable[[], None]) -> HandTimer:
        timer = HandTimer(moment, wake)
        self._timers.append(timer)
        self._fire()
        return timer

    def call_later(self, seconds: float, wake: Callable[[], None]) -> HandTimer:
        return self.call_at(self._now + timedelta(seconds=seconds), wake)

    def advance(self, by: timedelta) -> None:
        self._now += by
        self._fire()

    def _fire(self) -> None:
        due = [timer for timer in self._timers if timer.at <= self._now]
        self._timers = [timer for timer in self._timers if timer.at > self._now and timer.wake is not None]
        for timer in due:
            if timer.wake is not None:
                timer.wake()


@dataclass
class Network:
    """``ports.Sender`` that answers as told and remembers what was sent."""

    connections_kept_for = 4.0
    answer: Callable[[HttpCall], Outcome] = lambda _: Outcome(http_status=200)
    calls: list[tuple[HttpCall, str | None]] = field(default_factory=list)

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        self.calls.append((call, authorization))
        return self.answer(call)

    async def close(self) -> None: ...


class Mint:
    async def authorization(self, token: Token) -> str:
        return f"Bearer {token.service_account_email}"


class Notes:
    """``ports.Events`` written down."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def emit(self, event: Event) -> None:
        self.events.append(event)


@dataclass
class Hands:
    engine: Engine
    clock: HandClock
    network: Network
    notes: Notes
    store: TwiceStore


async def hands(rules: OperatorRules | None = None) -> Hands:
    """An engine that is not started: nothing happens but what the test asks for."""
    clock, network, notes = HandClock(), Network(), Notes()
    store = TwiceStore()
    world = World(store, network, Mint(), clock, clock, CountingIds(), notes)
    return Hands(Engine(world, rules or OperatorRules()), clock, network, notes, store)
