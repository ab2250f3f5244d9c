"""Where a movable clock stands, next to the real one: ahead of it, or frozen."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from tidegate.core.errors import InvalidArgument
from tidegate.core.time_text import rfc3339

FARTHEST: Final = timedelta(days=3653)
"""How far the clock may be ahead of real time: ten years, more than any schedule or backoff needs. Our choice."""


class ClockSetting(Struct, frozen=True):
    """A clock that is ``ahead`` of real time, or that stands still at ``frozen_at`` whatever ``ahead`` says."""

    ahead: timedelta = timedelta()
    frozen_at: datetime | None = None

    def shown(self, real: datetime) -> datetime:
        """What the clock shows when the real one shows ``real``."""
        return real + self.ahead if self.frozen_at is None else self.frozen_at

    def moved(self, to: datetime, real: datetime) -> ClockSetting:
        """The clock once it shows ``to``; it stands still there if it did before.

        Raises InvalidArgument for a move back, or too far.
        """
        shown = self.shown(real)
        if to < shown:
            raise InvalidArgument(
                f"The clock moves forward only: it shows {rfc3339(shown)}, so it cannot go to {rfc3339(to)}."
            )
        if to - real > FARTHEST:
            raise InvalidArgument(
                f"The clock can be at most {FARTHEST.days} days (10 years) ahead of real time, {rfc3339(real)}, but it"
                f" is asked to show {rfc3339(to)}."
            )
        return ClockSetting(to - real, None if self.frozen_at is None else to)

    def frozen(self, real: datetime) -> ClockSetting:
        """The clock standing still where it is."""
        return ClockSetting(self.ahead, self.shown(real))

    def going(self, real: datetime) -> ClockSetting:
        """The clock going on from where it stands."""
        return self if self.frozen_at is None else ClockSetting(self.frozen_at - real)


REAL_TIME: Final = ClockSetting()
