"""System throttling: a queue slows down by itself while its handlers ask for room or fail.

The amounts are our choice. The rate is halved when a handler answers 429 or 503, or when most attempts of the last
seconds ended in a 5xx or without an answer. It grows by a tenth in each second in which neither happens. The queue's
settings do not change.
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
"""The rate is halved at most once in this time."""

RECOVERY = 1.1
"""The factor by which the rate grows in a second without a reason to slow down."""

SLOWEST = 1.0
"""The lowest rate that throttling leaves, in dispatches a second; less if the queue's own rate is lower."""

WATCHED_SECONDS = 10
"""How far back answers are counted."""

FEWEST_ANSWERS = 20
"""The fewest attempts from which a share of failures is judged."""

_SECOND_MICROS = 1_000_000


class Answers(Struct, frozen=True, array_like=True):
    """One second's attempts: how many ended, and how many of them with a 5xx or without an answer."""

    second: int
    ended: int
    failed: int


class Throttle(Struct, frozen=True, array_like=True):
    """How far a queue is slowed: to ``factor`` of its rate at ``since``, and growing again from then on."""

    factor: float = 1.0
    since: datetime | None = None
    halved_at: datetime | None = None
    answers: tuple[Answers, ...] = ()

    def factor_at(self, now: datetime) -> float:
        """The share of its rate that the queue may use: 1 when it is not slowed."""
        if self.since is None:
            return 1.0
        quiet = max((now - self.since) / SECOND, 0.0)
        # After this many seconds any factor is back at 1. Without the bound the power could overflow.
        return 1.0 if quiet > 1000 else min(1.0, self.factor * RECOVERY**quiet)

    def limits(self, limits: RateLimits, now: datetime) -> RateLimits:
        """The limits at ``now``: rate and burst, both reduced by the share."""
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
        """The throttle after these attempts have ended. A 429 of an App Engine handler does not slow a queue."""
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
