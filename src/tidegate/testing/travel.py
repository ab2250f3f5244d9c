"""Takes the clocks of time-machine and freezegun along when the server's is moved, if the test has frozen them."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any


class Travel:
    """Moves what the test's own code sees as the time."""

    def move(self, by: timedelta) -> None:
        """Let the patched clocks show so much more."""
        frozen: Any = getattr(sys.modules.get("freezegun.api"), "freeze_factories", None)
        if frozen:
            frozen[-1].tick(by)
        module: Any = sys.modules.get("time_machine")
        travelled = getattr(module, "traveller_stack", None) or getattr(module, "coordinates_stack", None)
        if travelled:
            travelled[-1].shift(by)
