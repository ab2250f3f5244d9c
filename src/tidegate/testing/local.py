"""A whole server in a thread of this process: store in memory, every protocol on a free port, a clock that moves."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from tidegate.app import Application
from tidegate.clock import SystemClock
from tidegate.engine.engine import Engine
from tidegate.engine.ports.world import MachineClock, Sender
from tidegate.servers.address import Address, listen, reserve, resolve
from tidegate.servers.http import HttpServer
from tidegate.settings import Settings
from tidegate.settings.stores import SqliteUrl

T = TypeVar("T")

FILES = 1024
"""File descriptors that the server may count on."""


class UnpatchedClock(SystemClock):
    """The machine's clocks, whatever freezegun or time-machine show the test."""

    def now(self) -> datetime:
        hatch: Any = getattr(sys.modules.get("time_machine"), "escape_hatch", None)
        if hatch is not None and hatch.is_travelling():
            real: datetime = hatch.datetime.datetime.now(UTC)
            return real
        frozen: Any = sys.modules.get("freezegun.api")
        if frozen is not None and frozen.freeze_factories:
            return datetime.fromtimestamp(frozen.real_time(), UTC)
        return super().now()


class LocalServer:
    """The server. Every method may be called from any thread but the server's own."""

    def __init__(self, make_sender: Callable[[asyncio.AbstractEventLoop], Sender] | None = None) -> None:
        """``make_sender`` makes what takes attempts to handlers, given the server's loop; HTTP without it."""
        self._make_sender = make_sender
        self._ready: Future[None] = Future()
        self._ending: asyncio.Event | None = None
        self._loop = asyncio.new_event_loop()
        self.address, self._listener = reserve(resolve("127.0.0.1", 0))
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
            self._loop.run_until_complete(self._live())
        except BaseException as error:
            if self._ready.done():
                raise
            self._ready.set_exception(error)
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
