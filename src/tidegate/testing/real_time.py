"""The machine's time for gRPC, whose deadlines come from it: a test that freezes time must still be able to call."""

from __future__ import annotations

import asyncio
import importlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

USERS = ("grpc._channel", "grpc._common", "grpc._utilities", "grpc.aio._utils", "tidegate.client.transports.quick_grpc")
"""The modules that ask ``time.time()`` for a deadline."""


def real_now() -> datetime | None:
    """The machine's time while freezegun or time-machine show the test another one, else None."""
    hatch: Any = getattr(sys.modules.get("time_machine"), "escape_hatch", None)
    if hatch is not None and hatch.is_travelling():
        real: datetime = hatch.datetime.datetime.now(UTC)
        return real
    frozen: Any = sys.modules.get("freezegun.api")
    if frozen is not None and frozen.freeze_factories:
        return datetime.fromtimestamp(frozen.real_time(), UTC)
    return None


def real_monotonic() -> float:
    """The machine's monotonic seconds; freezegun stops those of ``time``, and with them every event loop."""
    real: Any = getattr(sys.modules.get("freezegun.api"), "real_monotonic", None)
    seconds: float = time.monotonic() if real is None else real()
    return seconds


def real_loop() -> asyncio.AbstractEventLoop:
    """A new event loop whose timers go by the machine's time."""
    loop = asyncio.new_event_loop()
    with suppress(AttributeError):  # of a loop that is not Python's own, which asks the system itself
        loop.time = real_monotonic  # type: ignore[method-assign]
    return loop


class _RealTime:
    """The module ``time``, but for one function."""

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)

    @staticmethod
    def time() -> float:
        """Seconds since 1970, whatever is patched."""
        real = real_now()
        return time.time() if real is None else real.timestamp()


@contextmanager
def calls_by_real_time() -> Iterator[None]:
    """Let calls have deadlines by the machine's time, for a while."""
    modules = [importlib.import_module(name) for name in USERS]
    for module in modules:
        setattr(module, "time", _RealTime())  # noqa: B010 - a module of another's
    try:
        yield
    finally:
        for module in modules:
            setattr(module, "time", time)  # noqa: B010
