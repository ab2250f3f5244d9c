"""The life of the server: start, listen, answer until a signal comes, drain, stop."""

from __future__ import annotations

import asyncio
import faulthandler
import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tidegate.memory import tune_memory
from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address, listen
from tidegate.servers.asgi import App
from tidegate.servers.http import HttpServer, Tls
from tidegate.servers.signals import Signals
from tidegate.servers.systemd import Supervisor

CERTIFICATES_LOOKED_AT: Final = 10.0
"""Seconds between two checks of the files of the certificates."""

log = logging.getLogger(__name__)


def listening(address: Address) -> str:
    """What says that calls are answered."""
    return f"listening on {address.url}"


async def live(
    app: App,
    address: Address,
    listener: socket.socket,
    tls: Tls | None,
    *,
    files: int,
    ready: Callable[[Address], str] = listening,
) -> int:
    """Run ``app`` at ``address``, to which ``listener`` is bound, until a signal asks for the end.

    Prints what ``ready`` says once calls are answered. Returns 0, or 128 and the number of a second signal, at which
    the end does not wait for what is under way. Nothing acknowledged is lost: it is on disk. Raises OperatorError.
    systemd, where it started this process, is told all along.
    """
    renewing = asyncio.Event()
    supervisor = Supervisor.of(os.environ)

    def reload() -> None:
        supervisor.reloading()
        renewing.set()
        app.reload()
        if tls is None:
            supervisor.ready(listening(address))

    signals = Signals(reload)
    if supervisor.watchdog is not None:
        with suppress(OSError, ValueError):  # there may be no stderr
            faulthandler.enable()  # a process that stands still shows at its end what each thread was doing
    living = asyncio.ensure_future(supervisor.keep_alive())
    if not await _started(app, signals, supervisor):
        return 0
    http = HttpServer(app, listener, tls, files=files)
    try:
        listen(listener)
        await http.open()
    except (OperatorError, ValueError) as cause:
        await app.stop()
        raise OperatorError(str(cause)) from None
    tune_memory()
    with suppress(OSError, ValueError):  # nobody may be reading any more
        sys.stdout.write(f"{ready(address)}\n")
        sys.stdout.flush()
    supervisor.ready(listening(address))
    watching = asyncio.ensure_future(
        _renew_certificates(http, tls, renewing, lambda: supervisor.ready(listening(address)))
    )
    await signals.stop
    supervisor.stopping(app.patience)
    leaving = asyncio.ensure_future(_leave(app, http))
    await asyncio.wait(_either(leaving, signals.stop_at_once), return_when=asyncio.FIRST_COMPLETED)
    watching.cancel()
    living.cancel()
    if leaving.done():
        leaving.result()
        return 0
    with suppress(OSError, ValueError):
        sys.stderr.write("stopped at once, without draining\n")
    return 128 + signals.stop_at_once.result()


async def _started(app: App, signals: Signals, supervisor: Supervisor) -> bool:
    """Run the start. False when a signal ended it first, for example because the store did not open."""
    starting = asyncio.ensure_future(app.start())
    signs = asyncio.ensure_future(supervisor.keep_starting())
    await asyncio.wait(_either(starting, signals.stop), return_when=asyncio.FIRST_COMPLETED)
    signs.cancel()
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        await app.stop()
        return False
    starting.result()
    return True


def _either(*waited: asyncio.Future[Any]) -> set[asyncio.Future[Any]]:
    return set(waited)


async def _leave(app: App, http: HttpServer) -> None:
    await app.leave()
    await http.close()
    await app.stop()


async def _renew_certificates(
    http: HttpServer, tls: Tls | None, now: asyncio.Event, renewed: Callable[[], None]
) -> None:
    """Serve the certificates anew whenever their files have changed, and when ``now`` is set; then call ``renewed``."""
    if tls is None:
        return
    seen = _versions(tls)
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(now.wait(), CERTIFICATES_LOOKED_AT)
        found = _versions(tls)
        if found == seen and not now.is_set():
            continue
        now.clear()
        seen = found
        try:
            await http.renew()
        except Exception as wrong:
            log.warning("the certificates of before are served on: %s", wrong)
        else:
            log.info("certificates renewed from %s", tls.cert)
        renewed()


def _versions(tls: Tls) -> list[tuple[int, int, int] | None]:
    """A value that changes when a file is written or replaced; None for a file that cannot be read."""
    return [version_of(path) for path in tls.files]


def version_of(path: str | Path) -> tuple[int, int, int] | None:
    """A value that changes when a file is written or replaced; None for a file that cannot be read."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a text too
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
