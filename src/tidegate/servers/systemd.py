"""What a supervisor is told of this process, by the protocol of systemd's ``sd_notify``; nothing where none asks.

https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import time
from collections.abc import MutableMapping
from typing import Final

MICROS: Final = 1_000_000
START_AT_ONCE: Final = 30.0
"""Seconds that the supervisor is asked to go on waiting at each sign of a start that takes long, as a store that takes
the steps to a new version."""
SIGN_EVERY: Final = 10.0
"""Seconds between two such signs."""
STOP_SLACK: Final = 15.0
"""Seconds that the end may take beside the drain: the last answers, and the store."""

log = logging.getLogger(__name__)


class Supervisor:
    """Tells systemd that the server starts, is ready, reads its certificates anew, lives and stops.

    ``address`` is the supervisor's socket, None where there is none: then every method does nothing. ``watchdog`` is
    in how many seconds at the latest it wants another sign of life, None when it wants none.
    """

    def __init__(self, address: str | None = None, watchdog: float | None = None) -> None:
        self._address = address
        self.watchdog = watchdog if address else None

    @classmethod
    def of(cls, environ: MutableMapping[str, str]) -> Supervisor:
        """The one that started this process, by its variables. They are taken out: no child is to speak for us."""
        address = environ.pop("NOTIFY_SOCKET", "")
        micros, pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", "")
        if not address or not hasattr(socket, "AF_UNIX"):
            return cls()
        if address[0] not in "/@":  # vsock of a virtual machine, say
            log.warning("NOTIFY_SOCKET=%s is no Unix socket; systemd is not told how the server is", address)
            return cls()
        meant = not pid or pid == str(os.getpid())
        watchdog = int(micros) / MICROS if meant and micros.isdecimal() and int(micros) else None
        return cls(address.replace("@", "\0", 1) if address[0] == "@" else address, watchdog)

    def starting(self) -> None:
        """The start goes on and may take a while yet."""
        self._say(f"EXTEND_TIMEOUT_USEC={START_AT_ONCE * MICROS:.0f}", "STATUS=opening the store")

    def ready(self, status: str) -> None:
        """Calls are answered; ``status`` is what ``systemctl status`` shows."""
        self._say("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Certificates are being read anew. Must be followed by ``ready``."""
        self._say("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, drain: float) -> None:
        """The end has begun. Attempts under way may go on for ``drain`` seconds."""
        self._say(
            "STOPPING=1",
            f"EXTEND_TIMEOUT_USEC={(drain + STOP_SLACK) * MICROS:.0f}",
            "STATUS=shutting down: attempts under way may end",
        )

    async def keep_starting(self) -> None:
        """Say that the start goes on, until cancelled."""
        while self._address is not None:
            self.starting()
            await asyncio.sleep(SIGN_EVERY)

    async def keep_alive(self) -> None:
        """Give signs of life until cancelled, twice as often as they are wanted. They come from the event loop, so
        none comes while it stands still, and systemd then ends the process with SIGABRT.
        """
        while self.watchdog is not None:
            self._say("WATCHDOG=1")
            await asyncio.sleep(self.watchdog / 2)

    def _say(self, *lines: str) -> None:
        if self._address is None or sys.platform == "win32":
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as leading:
                leading.setblocking(False)
                leading.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:  # a supervisor that is restarted, say; the next sign may reach it
            log.debug("systemd was not told %s: %s", lines[0], error)
