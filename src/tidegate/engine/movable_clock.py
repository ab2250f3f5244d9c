"""Wall time that its owner moves and freezes, over a real clock that goes on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count

from tidegate.core.clock_setting import REAL_TIME, ClockSetting
from tidegate.core.times import later
from tidegate.engine.ports.world import Clock, Timer


class MovableClock:
    """``ports.Clock``: shows what its ``setting`` makes of the time of ``real``.

    Whoever waits for a moment of it is called at once when the clock is moved there.
    """

    def __init__(self, real: Clock, setting: ClockSetting = REAL_TIME) -> None:
        self.real = real
        self._setting = setting
        self._timers: dict[int, _MovableTimer] = {}
        self._numbers = count()

    @property
    def setting(self) -> ClockSetting:
        return self._setting

    def now(self) -> datetime:
        return self._setting.shown(self.real.now())

    def call_at(self, moment: datetime, wake: Callable[[], None]) -> Timer:
        number = next(self._numbers)
        timer = self._timers[number] = _MovableTimer(moment, wake, lambda: self._timers.pop(number, None))
        self._arm(timer)
        return timer

    def set(self, setting: ClockSetting) -> None:
        """Go by this setting from now on. Call on the event loop."""
        self._setting = setting
        for timer in list(self._timers.values()):
            self._arm(timer)

    def _arm(self, timer: _MovableTimer) -> None:
        """Have the timer called when the real clock gets there; at once if it is past, never while time is frozen."""
        timer.disarm()
        if timer.moment <= self.now():
            timer.armed = self.real.call_at(self.real.now(), timer.fire)
        elif self._setting.frozen_at is None:
            timer.armed = self.real.call_at(later(timer.moment, -self._setting.ahead), timer.fire)


class _MovableTimer:
    """``ports.Timer``."""

    def __init__(self, moment: datetime, wake: Callable[[], None], forget: Callable[[], object]) -> None:
        self.moment = moment
        self.armed: Timer | None = None
        self._wake = wake
        self._forget = forget

    def fire(self) -> None:
        self._forget()
        self._wake()

    def disarm(self) -> None:
        if self.armed is not None:
            self.armed.cancel()
            self.armed = None

    def cancel(self) -> None:
        self.disarm()
        self._forget()
