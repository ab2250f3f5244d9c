"""System throttling: a queue slows down by itself while its handlers ask for room or fail.

The amounts are our choice. The rate is halved when a handler answers 429 or 503, or when most answers of the last
seconds were errors or missing; it comes back by a tenth each second in which neither happens. The settings stay.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import RateLimits
from tidegate.core.task import AppEngineRequest, Target
from tidegate.core.times import SECOND, micros

HALVED_EVERY = SECOND
"""The rate is halved once in this time at most, however many answers ask for it."""

RECOVERY = 1.1
"""What the rate is multiplied by in a second without a cause to slow down."""

SLOWEST = 1.0
"""Dispatches a second that always remain, if the queue allows as many."""

WATCHED_SECONDS = 10
"""How far back answers are counted."""

FEWEST_ANSWERS = 20
"""Answers that it takes to judge by their errors."""

_SECOND_MICROS = 1_000_000


class Answers(Struct, frozen=True, array_like=True):
    """What came back within one second: how many attempts ended, and how many of them in a 5xx or without answer."""

    second: int
    ended: int
    failed: int


class Throttle(Struct, frozen=True, array_like=True):
    """How far a queue is slowed: ``factor`` of its rate at ``since``, more with every second after."""

    factor: float = 1.0
    since: datetime | None = None
    halved_at: datetime | None = None
    answers: tuple[Answers, ...] = ()

    def factor_at(self, now: datetime) -> float:
        """The part of its rate that the queue may use: 1 when it is not slowed."""
        if self.since is None:
            return 1.0
        quiet = max((now - self.since) / SECOND, 0.0)
        # Past this many seconds it has recovered from any factor; the power could overflow.
        return 1.0 if quiet > 1000 else min(1.0, self.factor * RECOVERY**quiet)

    def limits(self, limits: RateLimits, now: datetime) -> RateLimits:
        """The limits as they hold now: a slower rate, and as much smaller a bucket."""
        factor = self.factor_at(now)
        if factor == 1.0:
            return limits
        rate = limits.max_dispatches_per_second
        return replace(
            limits,
            max_dispatches_per_second=max(rate * factor, min(rate, SLOWEST)),
            max_burst_size=max(1, int(limits.max_burst_size * factor)),
        )

    def after(self, ended: Iterable[tuple[Target, Outcome]], now: datetime) -> Throttle:
        """What becomes of it when attempts at these targets have ended so. App Engine's 429 does not slow a queue."""
        count = failed = 0
        asks_for_room = False
        for target, outcome in ended:
            count += 1
            failed += outcome.http_status >= 500 or not outcome.answered
            asks_for_room |= outcome.http_status == 503
            asks_for_room |= outcome.http_status == 429 and not isinstance(target, AppEngineRequest)
        answers = self._counted(count, failed, now)
        if not asks_for_room and not (failed and _mostly_failed(answers)):
            if self.since is not None and self.factor_at(now) == 1.0:
                return Throttle(answers=answers)
            return replace(self, answers=answers)
        factor = self.factor_at(now)
        if self.halved_at is None or now - self.halved_at >= HALVED_EVERY:
            return Throttle(factor / 2, now, now, answers)
        return Throttle(factor, now, self.halved_at, answers)

    def _counted(self, ended: int, failed: int, now: datetime) -> tuple[Answers, ...]:
        second = micros(now) // _SECOND_MICROS
        kept = [each for each in self.answers if second - WATCHED_SECONDS < each.second <= second]
        if kept and kept[-1].second == second:
            last = kept.pop()
            ended, failed = ended + last.ended, failed + last.failed
        return (*kept, Answers(second, ended, failed))


def _mostly_failed(answers: Iterable[Answers]) -> bool:
    ended = failed = 0
    for each in answers:
        ended += each.ended
        failed += each.failed
    return ended >= FEWEST_ANSWERS and failed * 2 > ended


NOT_SLOWED = Throttle()
