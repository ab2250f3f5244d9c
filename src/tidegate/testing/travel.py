"""Takes the clocks of time-machine and freezegun along when the server's is moved, if the test has frozen them."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any


class Travel:
    """Moves what the test's own code sees as the time."""

    @property
    def is_on(self) -> bool:
        """Whether a clock of the test's is patched."""
        frozen: Any = getattr(sys.modules.get("freezegun.api"), "freeze_factories", None)
        return bool(frozen) or bool(_travels())

    def move(self, by: timedelta) -> None:
        """Let the patched clocks show so much more."""
        frozen: Any = getattr(sys.modules.get("freezegun.api"), "freeze_factories", None)
        if frozen:
            frozen[-1].tick(by)
        if travels := _travels():
            travels[-1].shift(by)


def _travels() -> Any:
    """The travels of time-machine that are under way."""
    module: Any = sys.modules.get("time_machine")
    return getattr(module, "traveller_stack", None) or getattr(module, "coordinates_stack", None)
