"""The token bucket and the in-flight count: a queue's limits as values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import RateLimits
from tidegate.core.ramp import Ramp
from tidegate.core.task import Target
from tidegate.core.throttle import NOT_SLOWED, Throttle
from tidegate.core.times import MICROSECOND, later

LONGEST_WAIT = 1e12  # seconds; past the year 9999, and still within a timedelta

CLOCK_SET_BACK = timedelta(minutes=1)
"""A step back of more than this means that the clock was set. The bucket then continues from the new time, or its queue
would stand still until the old time came again. After a smaller step the bucket earns nothing until the clock has
caught up, so that no time is counted twice."""

RATE_PAUSE = timedelta(milliseconds=10)
"""A queue held back by its rate is looked at again after this, if its bucket is not half full before: at 500/s five
tasks at once cost half of what as many claims of one would."""


class TokenBucket(Struct, frozen=True, array_like=True, gc=False):
    """How many dispatches a queue may start at once, earned at its dispatch rate."""

    tokens: float
    filled_at: datetime

    def filled(self, limits: RateLimits, now: datetime) -> TokenBucket:
        if now < self.filled_at - CLOCK_SET_BACK:
            return TokenBucket(min(self.tokens, float(limits.max_burst_size)), now)
        elapsed = max(now - self.filled_at, timedelta())  # a clock that steps back earns nothing
        earned = elapsed.total_seconds() * limits.max_dispatches_per_second
        return TokenBucket(min(self.tokens + earned, float(limits.max_burst_size)), self.filled_at + elapsed)

    def take(self, wanted: int, limits: RateLimits, now: datetime) -> tuple[int, TokenBucket]:
        """Grant up to ``wanted`` whole tokens; return how many, and the bucket that remains."""
        bucket = self.filled(limits, now)
        granted = min(wanted, int(bucket.tokens))
        return granted, TokenBucket(bucket.tokens - granted, bucket.filled_at)

    def ready_at(self, limits: RateLimits) -> datetime:
        """When a whole token is there next, if nothing is taken until then; never before ``filled_at``."""
        missing = 1 - min(self.tokens, float(limits.max_burst_size))
        if missing <= 0:
            return self.filled_at
        seconds = missing / limits.max_dispatches_per_second
        # Rounded up, because a wake-up too early finds no token. Bounded, because a rate may be as small as a float.
        wait = timedelta(seconds=min(seconds, LONGEST_WAIT)) + MICROSECOND
        return later(self.filled_at, wait)

    def look_again(self, limits: RateLimits, now: datetime) -> datetime:
        """When a queue that waits for a token is to be looked at after ``now``: once one is there, and after a pause in
        which more may come.
        """
        half_full = timedelta(seconds=min(limits.max_burst_size / limits.max_dispatches_per_second / 2, LONGEST_WAIT))
        return max(self.filled(limits, now).ready_at(limits), later(now, min(RATE_PAUSE, half_full)))


class Flow(Struct, frozen=True, array_like=True, gc=False):
    """What a queue has used of its limits: its bucket, how many attempts are under way, how far it is slowed, and how
    far it has ramped up, if it does.
    """

    bucket: TokenBucket
    in_flight: int = 0
    throttle: Throttle = NOT_SLOWED
    ramp: Ramp | None = None

    @classmethod
    def fresh(cls, limits: RateLimits, now: datetime) -> Flow:
        """A new queue's: the bucket is full."""
        return cls(TokenBucket(float(limits.max_burst_size), now))

    def filled(self, limits: RateLimits, now: datetime) -> Flow:
        """The flow with the tokens earned until ``now`` at these limits. To be called before the limits change."""
        return replace(self, bucket=self.bucket.filled(self.limits(limits, now), now))

    def limits(self, limits: RateLimits, now: datetime) -> RateLimits:
        """A queue's limits as they hold now, slowed and ramped up."""
        limits = self.throttle.limits(limits, now)
        return limits if self.ramp is None else self.ramp.limits(limits, now)

    def ramping(self, now: datetime, *, on: bool) -> Flow:
        """The flow with a ramp if ``on``, without one otherwise."""
        if on == (self.ramp is not None):
            return self
        return replace(self, ramp=Ramp(now) if on else None)

    def started(self, attempts: int, now: datetime) -> Flow:
        """The flow with this many more attempts counted on its ramp."""
        return self if self.ramp is None else replace(self, ramp=self.ramp.counted(attempts, now))

    def grant(self, wanted: int, limits: RateLimits, now: datetime) -> tuple[int, Flow]:
        """Let up to ``wanted`` attempts start; return how many may, and the flow with them under way."""
        room = max(0, limits.max_concurrent_dispatches - self.in_flight)
        granted, bucket = self.bucket.take(min(wanted, room), limits, now)
        return granted, Flow(bucket, self.in_flight + granted, self.throttle, self.ramp)

    def give_back(self, unused: int) -> Flow:
        """Return the part of a grant for which no task was due."""
        if not unused:
            return self
        bucket = TokenBucket(self.bucket.tokens + unused, self.bucket.filled_at)
        return Flow(bucket, self.in_flight - unused, self.throttle, self.ramp)

    def forced(self, attempts: int = 1) -> Flow:
        """The flow with so many more attempts that took no token and were bound by no limit, as RunTask starts them."""
        return replace(self, in_flight=self.in_flight + attempts)

    def ended(self, attempts: int) -> Flow:
        return replace(self, in_flight=max(0, self.in_flight - attempts))

    def answered(self, answers: Sequence[tuple[Target, Outcome]], latest: datetime) -> Flow:
        """The flow slowed as it is after these answers, the last of which came at ``latest``."""
        return replace(self, throttle=self.throttle.after(answers, latest)) if answers else self
