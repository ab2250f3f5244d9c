"""A whole server in a thread of this process: store in memory, every protocol on a free port, a clock that moves."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tidegate.app import Application
from tidegate.clock import SystemClock
from tidegate.engine.engine import Engine
from tidegate.engine.ports.world import MachineClock, Sender
from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address, listen, reserve, resolve
from tidegate.servers.http import OUTGOING_FILES, HttpServer
from tidegate.settings import Settings
from tidegate.settings.stores import SqliteUrl
from tidegate.testing.loop_thread import run_loop
from tidegate.testing.real_time import real_loop, real_monotonic, real_now

T = TypeVar("T")

FILES = OUTGOING_FILES + 1024
"""File descriptors that the server may count on: it takes so many connections more than it keeps for its own."""


class UnpatchedClock(SystemClock):
    """The machine's clocks, whatever freezegun or time-machine show the test."""

    def now(self) -> datetime:
        return real_now() or super().now()

    def monotonic(self) -> float:
        return real_monotonic()


class LocalServer:
    """The server. Every method may be called from any thread but the server's own."""

    def __init__(
        self, make_sender: Callable[[asyncio.AbstractEventLoop], Sender] | None = None, *, port: int = 0
    ) -> None:
        """``make_sender`` makes what takes attempts to handlers, given the server's loop; HTTP without it. Another port
        is taken where ``port`` is not free.
        """
        self._make_sender = make_sender
        self._ready: Future[None] = Future()
        self._ending: asyncio.Event | None = None
        self._loop = real_loop()
        self.address, self._listener = _reserved(port)
        self._thread = threading.Thread(target=self._run, name="tidegate", daemon=True)
        self._thread.start()
        self._ready.result()

    @property
    def target(self) -> str:
        """``127.0.0.1:PORT``."""
        return f"{self.address.host}:{self.address.port}"

    @property
    def engine(self) -> Engine:
        """The engine, to be used on the server's loop alone: see ``begin``."""
        return self._application.engine

    def begin(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def close(self) -> None:
        """Stop the server. Attempts under way are cut off."""
        if self._ending is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._ending.set)
            self._thread.join()
        self._listener.close()

    def _run(self) -> None:
        try:
            run_loop(self._loop, self._live(), self._ready)
        finally:
            self._loop.close()

    async def _live(self) -> None:
        self._ending = asyncio.Event()
        settings = Settings(
            store=SqliteUrl(":memory:"),
            dev=True,
            drain=timedelta(),
            queue_name_reuse_after=timedelta(),
        )
        self._application = Application(
            settings, self.address, make_sender=self._sender if self._make_sender else None, clock=UnpatchedClock()
        )
        app = self._application.asgi
        await app.start()
        listen(self._listener)
        http = HttpServer(app, self._listener, None, files=FILES)
        await http.open()
        self._ready.set_result(None)
        await self._ending.wait()
        await app.leave()
        await http.close()
        await app.stop()

    def _sender(self, _settings: Settings, _address: Address, _machine: MachineClock) -> Sender:
        assert self._make_sender is not None  # noqa: S101 - else HTTP would have been chosen
        return self._make_sender(self._loop)


def _reserved(port: int) -> tuple[Address, socket.socket]:
    """A port of this machine alone: this one if it is free."""
    try:
        return reserve(resolve("127.0.0.1", port))
    except (OperatorError, OSError):
        if not port:
            raise
        return reserve(resolve("127.0.0.1", 0))
