"""Where the parts meet: settings become a store, a sender and an engine, these the application that the front runs."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tidegate import settings as setting
from tidegate.api.rpcs import Api
from tidegate.core.queue import Queue
from tidegate.core.validation import Ceilings
from tidegate.delivery.egress import Egress
from tidegate.delivery.http_sender import HttpSender
from tidegate.delivery.signing_keys import KeyFileError, SigningKeys
from tidegate.delivery.token_mint import Mint
from tidegate.delivery.token_sources import GoogleSource
from tidegate.engine.engine import Engine, Policy
from tidegate.engine.ports import Clock, Event, Events, Store, StoreError, World
from tidegate.metrics import Metrics
from tidegate.servers.address import Address
from tidegate.servers.asgi import App, StartupError
from tidegate.servers.grpc import Method
from tidegate.settings import QueueSetup, Settings
from tidegate.storage.sqlite import MemoryStore, SqliteStore
from tidegate.system import RandomIds, SystemClock

logger = logging.getLogger("tidegate")


class Listeners:
    """``ports.Events``: tells whoever wants to know, in the order in which they came."""

    def __init__(self, *listeners: Events) -> None:
        self._listeners = listeners

    def emit(self, event: Event) -> None:
        for listener in self._listeners:
            listener.emit(event)


class Application:
    """A server as its settings describe it, from start to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._store: Store | None = None
        self._sender: HttpSender | None = None
        self._engine: Engine | None = None
        self.metrics = Metrics()
        self.asgi = App(start=self._start, drain=self._drain, stop=self._stop)

    async def _start(self) -> None:
        clock = SystemClock()
        self._store = await _open(self._settings)
        self._sender = _sender(self._settings, clock)
        world = World(
            self._store, self._sender, _mint(self._settings, clock), clock, RandomIds(), Listeners(self.metrics)
        )
        engine = Engine(world, policy(self._settings))
        for setup in self._settings.queue:
            await engine.queues.update(setup.name, partial(_set_up, setup))
        await engine.start()
        self._engine = engine
        self.asgi.serve(_methods(Api(engine)))
        _spare_the_collector()

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
        throttling=settings.throttling,
        queue_name_reuse_after=settings.queue_name_reuse_after,
    )


def _sender(settings: Settings, clock: Clock) -> HttpSender:
    address = Address.from_environment()
    try:
        egress = Egress.parse(settings.egress_rules, own_port=None if address is None else address.port)
    except ValueError as error:
        raise StartupError(str(error)) from error
    return HttpSender(clock, egress=egress, exempt_origins=settings.app_engine.values())


def _mint(settings: Settings, clock: Clock) -> Mint:
    """Signs ID tokens with a key kept beside the store, for as long as the store."""
    path = None if settings.store.in_memory else Path(f"{settings.store.path}-keys.json")
    source = None
    if settings.token_source is not None:
        source = GoogleSource(None if settings.token_source == "metadata" else Path(settings.token_source))  # noqa: S105
    address = Address.from_environment()
    issuer = settings.oidc_issuer or (address.url if address else "http://localhost")
    try:
        return Mint(clock, SigningKeys(path), issuer, source)
    except (KeyFileError, OSError) as error:
        raise StartupError(str(error)) from error


def _spare_the_collector() -> None:
    """Leave what lives as long as the process out of garbage collections, and collect less often: messages, tasks and
    rows are freed by their reference counts. Saves 7 % of the time of a dispatch.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


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
