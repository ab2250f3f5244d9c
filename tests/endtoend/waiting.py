"""Waiting for a condition instead of for a time; no test asserts how long something took."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 60.0
"""Seconds without any progress before a test gives up: far beyond what a busy machine needs."""


def eventually(what: str, holds: Callable[[], bool], *, patience: float = PATIENCE) -> None:
    """Wait until ``holds()``; fail with ``what`` when it does not within ``patience`` seconds."""
    give_up = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < give_up, f"waited {patience:.0f} s in vain for: {what}"
        time.sleep(0.01)


def eventually_all(what: str, left: Callable[[], int], *, patience: float = PATIENCE) -> None:
    """Wait until nothing is ``left()``; the patience begins anew whenever some progress was made."""
    best = left()
    give_up = time.monotonic() + patience
    while (now_left := left()) > 0:
        if now_left < best:
            best, give_up = now_left, time.monotonic() + patience
        assert time.monotonic() < give_up, f"{now_left} left, and none came for {patience:.0f} s: {what}"
        time.sleep(0.05)
