"""The signals of operators: stop, and reload the certificates."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Final

STOPPING: Final = (signal.SIGTERM, signal.SIGINT)

SAME_WISH: Final = 1.0
"""Seconds within which further signals repeat the first one: ``timeout`` and many wrappers send two at once."""


class Signals:
    """Handles the signals of this process on the running event loop, from when it is made.

    SIGINT is handled even where the process was told to ignore it, as in a script that starts the server with ``&``.
    SIGHUP never ends the server: it calls ``reload``.
    """

    def __init__(self, reload: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self.stop: asyncio.Future[signal.Signals] = self._loop.create_future()
        """Done at the first signal that asks for the end."""
        self.stop_at_once: asyncio.Future[signal.Signals] = self._loop.create_future()
        """Done at the next such signal, unless it follows within ``SAME_WISH``."""
        self._stopped_at = 0.0
        for number in STOPPING:
            self._on(number, self._stopping)
        if hasattr(signal, "SIGHUP"):
            self._on(signal.SIGHUP, lambda _number: reload())

    def _on(self, number: signal.Signals, call: Callable[[signal.Signals], None]) -> None:
        try:
            self._loop.add_signal_handler(number, call, number)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: self._loop.call_soon_threadsafe(call, number))

    def _stopping(self, number: signal.Signals) -> None:
        now = self._loop.time()
        if not self.stop.done():
            self._stopped_at = now
            self.stop.set_result(number)
        elif now - self._stopped_at >= SAME_WISH and not self.stop_at_once.done():
            self.stop_at_once.set_result(number)
