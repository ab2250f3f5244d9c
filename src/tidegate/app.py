"""Where the parts meet: settings become a store, a sender and an engine, these the application that the front runs."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tidegate import settings as setting
from tidegate.api.rpcs import Api
from tidegate.core.queue import Queue, Token
from tidegate.core.validation import Ceilings
from tidegate.delivery.http_sender import HttpSender
from tidegate.engine.engine import Engine, Policy
from tidegate.engine.ports import Event, MintError, Store, StoreError, World
from tidegate.servers.asgi import App, StartupError
from tidegate.servers.grpc import Method
from tidegate.settings import QueueSetup, Settings
from tidegate.storage.sqlite import MemoryStore, SqliteStore
from tidegate.system import RandomIds, SystemClock

logger = logging.getLogger("tidegate")


class Listeners:
    """``ports.Events``: whoever wants to know, in the order in which they came."""

    def emit(self, event: Event) -> None:
        """Nobody listens yet."""


class NoTokens:
    """``ports.TokenMint`` without a source of tokens."""

    async def authorization(self, token: Token) -> str:  # noqa: ARG002 - the port's name
        raise MintError("no source of tokens is configured")


class Application:
    """A server as its settings describe it, from start to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: Store | None = None
        self._sender: HttpSender | None = None
        self._engine: Engine | None = None
        self.asgi = App(start=self._start, drain=self._drain, stop=self._stop)

    async def _start(self) -> None:
        clock, events = SystemClock(), Listeners()
        self._store = await _open(self._settings)
        self._sender = HttpSender(clock)
        world = World(self._store, self._sender, NoTokens(), clock, RandomIds(), events)
        engine = Engine(world, policy(self._settings))
        for setup in self._settings.queue:
            await engine.queues.update(setup.name, partial(_set_up, setup))
        await engine.start()
        self._engine = engine
        self.asgi.serve(_methods(Api(engine)))

    async def _drain(self) -> None:
        if self._engine is not None:
            cut = await self._engine.stop(self._settings.drain)
            if cut:
                logger.warning("%d attempts were cut off; they are due again at the next start", cut)

    async def _stop(self) -> None:
        if self._sender is not None:
            await self._sender.close()
        if self._store is not None:
            await self._store.close()


def policy(settings: Settings) -> Policy:
    """What the settings say about the engine's rules."""
    return Policy(
        ceilings=Ceilings(settings.max_dispatches_per_second, settings.max_concurrent_dispatches),
        https_tokens=settings.token_urls == "https",  # noqa: S105 - no password
        app_engine=settings.app_engine,
        queue_name_reuse_after=settings.queue_name_reuse_after,
    )


def _set_up(setup: QueueSetup, queue: Queue | None) -> Queue:
    return setup.fresh() if queue is None else setup.applied_to(queue)


async def _open(settings: Settings) -> Store:
    if settings.store.in_memory:
        return MemoryStore()
    try:
        return await SqliteStore.open(Path(settings.store.path))
    except StoreError as error:
        raise StartupError(str(error)) from error


def _methods(api: Api) -> Mapping[str, Method]:
    return {path: Method(each.request, each.answer) for path, each in api.grpc().items()}


def _from_environment() -> App:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    return Application(setting.from_environment(os.environ)).asgi


asgi = _from_environment()
