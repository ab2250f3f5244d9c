"""Where the parts meet: settings become a store, a sender and an engine, these the application that the server runs."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from tidegate.api.operator import OperatorApi, Parts
from tidegate.api.operator.bulk import read_selection
from tidegate.api.operator.redrive import read_dead_selection
from tidegate.api.rpcs import AnsweredRpc, Api
from tidegate.api.status import json_bytes
from tidegate.attempt_warnings import AttemptWarnings
from tidegate.clock import SystemClock
from tidegate.console.application import Console
from tidegate.console.facts import facts_of
from tidegate.console.live import Nudges
from tidegate.core.clock_setting import REAL_TIME
from tidegate.core.errors import FailedPrecondition
from tidegate.core.queue_options import Keep, Keeping
from tidegate.core.time_text import rfc3339
from tidegate.core.url_map import UrlMap
from tidegate.core.validation import Ceilings
from tidegate.delivery import signing_keys
from tidegate.delivery.container import in_container
from tidegate.delivery.egress import Egress
from tidegate.delivery.http_sender import HttpSender
from tidegate.delivery.signing_keys import SigningKeys
from tidegate.delivery.token_mint import Mint
from tidegate.delivery.token_sources import GoogleSource
from tidegate.engine.engine import Engine, Policy
from tidegate.engine.movable_clock import MovableClock
from tidegate.engine.ports.events import Event, Events
from tidegate.engine.ports.store import Store, StoreError
from tidegate.engine.ports.world import Clock, MachineClock, World
from tidegate.engine.time_control import kept_setting
from tidegate.ids import RandomIds
from tidegate.observers.event_ring import EventRing
from tidegate.observers.idle import IdleWaits
from tidegate.observers.metrics.counts import Counts
from tidegate.observers.metrics.page import MetricsPage
from tidegate.observers.series import Series
from tidegate.operated import about
from tidegate.operation_log import LineWriter, OperationLog
from tidegate.operator_errors import OperatorError
from tidegate.queues_at_start import make_queues
from tidegate.schema.limits import ENTRY_MAX
from tidegate.schema.versions import all_rows
from tidegate.servers.address import Address
from tidegate.servers.asgi import App
from tidegate.servers.call import Scope
from tidegate.servers.cors import Cors
from tidegate.servers.dev import Bells, DevHelpers
from tidegate.servers.grpc import GrpcMethod
from tidegate.servers.in_flight import InFlight
from tidegate.servers.mounts import Mount
from tidegate.servers.operator import operator_mounts
from tidegate.servers.origins import Origins
from tidegate.servers.pages import Document, Page, discovery_pages, page_mounts
from tidegate.servers.reflection import reflection_mounts
from tidegate.servers.rest import RestServer
from tidegate.servers.rest.firebase import firebase_answers
from tidegate.servers.rest.mixins import location_answers
from tidegate.servers.streams import Streams
from tidegate.settings import Settings
from tidegate.storage.sqlite import MemoryStore, SqliteStore

logger = logging.getLogger("tidegate")


class Listeners:
    """``ports.Events``: tells whoever wants to know, in the order in which they came. Some come and go."""

    def __init__(self, *listeners: Events) -> None:
        self._listeners = listeners

    def add(self, listener: Events) -> None:
        self._listeners = (*self._listeners, listener)

    def remove(self, listener: Events) -> None:
        self._listeners = tuple(each for each in self._listeners if each is not listener)

    def emit(self, event: Event) -> None:
        for listener in self._listeners:
            listener.emit(event)


def application(
    settings: Settings,
    address: Address,
    *,
    listeners: Sequence[Events] = (),
    sources: Mapping[str, str] = MappingProxyType({}),
) -> App:
    """The application of a server with these settings that listens at ``address``; ``listeners`` are told of events.
    ``sources`` says where settings were made.
    """
    return Application(settings, address, listeners, sources).asgi


class Application:
    """A server as its settings describe it, from start to stop. ``address`` is where it listens."""

    def __init__(
        self,
        settings: Settings,
        address: Address,
        listeners: Sequence[Events] = (),
        sources: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._listeners = listeners
        self._address = address
        self._store: Store | None = None
        self._sender: HttpSender | None = None
        self._engine: Engine | None = None
        self._log: LineWriter | None = None
        self._nudges: Nudges | None = None
        self._sampling: asyncio.Task[None] | None = None
        self.counts = Counts()
        self.asgi = App(
            start=self._start,
            drain=self._drain,
            stop=self._stop,
            in_flight=InFlight(settings.max_bytes_in_flight),
        )
        self.asgi.guard(partial(Cors, origins(settings)))

    async def _start(self) -> None:
        clock = SystemClock()
        self._store = await _open(self._settings)
        wall = await _wall_clock(self._settings, self._store, clock)
        self._sender = _sender(self._settings, self._address, clock)
        keys = _keys(self._settings)
        _warn_of_exposure(self._settings)
        _warn_of_unreachable_issuer(self._settings, self._address)
        issuer = self._settings.oidc_issuer or self._address.url
        mint = _mint(self._settings, clock, keys, issuer)
        self._log = _operation_log(self._settings)
        bells, ids = Bells(), RandomIds()
        listeners: list[Events] = [self.counts, AttemptWarnings(clock.monotonic, self._settings.app_engine)]
        events = EventRing(wall.now, clock, ids.etag().hex())
        listeners += [events, *self._listeners]
        if has_dev_helpers(self._settings):
            listeners.append(bells)
        if self._log is not None:
            dice = random.Random().random  # noqa: S311 - which operations are logged is no secret
            listeners.append(OperationLog(dice, self._log.write, self._settings.app_engine, clock.now))
        told = Listeners(*listeners)
        world = World(
            self._store,
            self._sender,
            mint,
            wall,
            clock,
            ids,
            told,
            dice=random.Random().random,  # noqa: S311 - when to try again is no secret
            prober=self._sender.prober(in_container=in_container()),
        )
        engine = Engine(world, policy(self._settings))
        await engine.join(f"{self._address.host}:{self._address.port}")
        await make_queues(engine, self._settings)
        engine.serve_bulk(read_selection)
        engine.serve_dead_tasks(read_dead_selection)
        await engine.start()
        self._engine = engine
        series = Series(self.counts, engine.queues.stats, wall, clock)
        self._sampling = asyncio.create_task(series.run())
        api = Api(engine, location=self._settings.location)
        idle = IdleWaits(engine.store, events, clock)
        parts = Parts(
            engine=engine,
            dev=self._settings.dev,
            about=about(self._settings, self._sources, self._address, clock.now()),
            reset=self._reset,
            events=events,
            series=series,
            idle=idle,
        )
        operator = OperatorApi(parts)
        mounts = [*reflection_mounts(), *page_mounts(discovery_pages())]
        mounts += page_mounts(_token_pages(issuer, keys, clock) | _metrics_page(self._metrics(engine, clock)))
        if has_dev_helpers(self._settings):
            mounts += DevHelpers(engine.queues, bells, self._reset, self._is_serving).mounts()
        mounts += operator_mounts(operator, self.asgi.bytes_in_flight, Streams(self.asgi.closing), self.asgi.calls)
        if self._settings.console_mode != "off":
            self._nudges = Nudges(told, self._is_serving)
            facts = facts_of(self._settings, self._address)
            mounts += Console(api, operator, facts, self._nudges, self.asgi.bytes_in_flight, wall, clock).mounts()
        mounts.append(Mount("/", _rest(api, self.asgi), below=True))
        self.asgi.serve(_methods(api.grpc() | operator.grpc()), mounts)

    def _metrics(self, engine: Engine, machine: MachineClock) -> MetricsPage:
        commits = self._store.commits if isinstance(self._store, SqliteStore) else None
        return MetricsPage(
            self.counts,
            engine,
            self.asgi.calls,
            commits,
            store="memory" if self._settings.store.in_memory else "sqlite",
            ready=self._is_serving,
            monotonic=machine.monotonic,
        )

    def _is_serving(self) -> bool:
        return self.asgi.serving

    async def _reset(self) -> None:
        """Back to the first start: the queues of the settings, and nothing else."""
        assert self._engine is not None  # noqa: S101 - nobody calls before the start
        await self._engine.reset()
        try:
            await make_queues(self._engine, self._settings)
        except OperatorError as error:  # the file of queues is another one by now
            raise FailedPrecondition(error.message) from error

    async def _drain(self) -> None:
        if self._nudges is not None:
            self._nudges.end()
        if self._sampling is not None:
            self._sampling.cancel()
        if self._engine is not None:
            cut = await self._engine.stop(self._settings.drain)
            if cut:
                logger.warning("%d attempts were cut off; they are due again at the next start", cut)

    async def _stop(self) -> None:
        if self._sender is not None:
            await self._sender.close()
        if self._store is not None:
            await self._store.close()
        if self._log is not None:
            await asyncio.to_thread(self._log.close)


async def _wall_clock(settings: Settings, store: Store, clock: SystemClock) -> Clock:
    """The time by which tasks go: one that can be moved with ``dev``, where it was left."""
    try:
        setting = await kept_setting(store, clock.now())
    except StoreError as error:
        raise OperatorError(f"cannot read the store: {error}") from error
    if settings.dev:
        return MovableClock(clock, setting)
    if setting != REAL_TIME:
        logger.warning(
            "the clock of this store was moved, to %s at last; without --dev the server goes by real time, and what"
            " it has for later moments waits for them",
            rfc3339(setting.shown(clock.now())),
        )
    return clock


def policy(settings: Settings) -> Policy:
    """What the settings say about the engine's rules."""
    return Policy(
        ceilings=Ceilings(settings.max_dispatches_per_second, settings.max_concurrent_dispatches),
        https_tokens=settings.token_urls == "https",  # noqa: S105 - no password
        app_engine=settings.app_engine,
        throttling=settings.throttling,
        ramp_up=settings.ramp_up,
        queue_name_reuse_after=settings.queue_name_reuse_after,
        keeping=Keeping(dead_for=settings.dead_letters, attempts=Keep[settings.kept_attempts.upper()]),
    )


def _sender(settings: Settings, address: Address, clock: MachineClock) -> HttpSender:
    try:
        egress = Egress.parse(settings.egress_rules, own_port=address.port)
    except ValueError as error:
        raise OperatorError(str(error)) from error
    url_map = UrlMap(settings.map) if settings.map else None
    return HttpSender(clock, egress=egress, exempt_origins=settings.app_engine.values(), url_map=url_map)


def _operation_log(settings: Settings) -> LineWriter | None:
    if settings.operation_log is None:
        return None
    try:
        return LineWriter(settings.operation_log)
    except OSError as error:
        text = f"cannot open the operation log {settings.operation_log}: {error.strerror}; name another --operation-log"
        raise OperatorError(text) from error


def origins(settings: Settings) -> Origins:
    """Under which names this server may be called, and by the pages of which other sites."""
    hosts = [settings.host, *settings.allow_hosts]
    if settings.oidc_issuer is not None:  # handlers fetch the keys of ID tokens there
        hosts.append(urlsplit(settings.oidc_issuer).hostname or "")
    return Origins(hosts, settings.allow_origins, settings.console_hosts)


def _warn_of_exposure(settings: Settings) -> None:
    if not settings.loopback and settings.tls_cert is None:
        logger.warning(
            "listening on %s without TLS: whoever reaches the port can use every queue, and what is sent can be read on"
            " the way; --tls-cert, --tls-key and --tls-client-ca let in only clients with a certificate",
            settings.host,
        )


def _warn_of_unreachable_issuer(settings: Settings, address: Address) -> None:
    if settings.oidc_issuer is None and address.is_wildcard:
        logger.warning(
            "handlers elsewhere cannot fetch the keys of ID tokens from %s: if they verify tokens, say where they reach"
            " this server with --oidc-issuer",
            address.url,
        )


def _keys(settings: Settings) -> SigningKeys:
    """The keys that sign ID tokens, kept beside the store and for as long as the store."""
    path = None if settings.store.in_memory else Path(f"{settings.store.path}-keys.json")
    return SigningKeys(path)


def _mint(settings: Settings, clock: MachineClock, keys: SigningKeys, issuer: str) -> Mint:
    source, handed_over = _token_source(settings), settings.id_tokens == "source"
    if handed_over and source is None:
        raise OperatorError("--id-tokens source needs a source: name one with --token-source")
    return Mint(clock, keys, issuer, source, hand_over=handed_over)


def _token_source(settings: Settings) -> GoogleSource | None:
    wanted = settings.token_source
    if wanted is None:
        return None
    return GoogleSource(None if wanted == "metadata" else Path(wanted))


def _rest(api: Api, app: App) -> RestServer:
    rows = {row: api.method(row) for row in all_rows()} | firebase_answers(api) | location_answers(api)
    return RestServer(rows, app.bytes_in_flight, app.calls)


def _token_pages(name: str, keys: SigningKeys, clock: MachineClock) -> dict[str, Page]:
    """What a handler needs to verify the ID tokens that ``name`` issues."""

    async def about(_scope: Scope) -> Document:
        return Document(json_bytes(signing_keys.discovery(name)))

    async def key_set(_scope: Scope) -> Document:
        return Document(json_bytes(signing_keys.jwks(await keys.ring(clock.now()))))

    async def pem(_scope: Scope) -> Document:
        return Document(json_bytes(signing_keys.pem_keys(await keys.ring(clock.now()))))

    return {signing_keys.DISCOVERY_PATH: about, signing_keys.JWKS_PATH: key_set, signing_keys.PEM_PATH: pem}


def _metrics_page(metrics: MetricsPage) -> dict[str, Page]:
    async def page(scope: Scope) -> Document:
        accept = b",".join(value for name, value in scope["headers"] if name == b"accept")
        body, content_type = await metrics.render(accept.decode("latin-1"))
        return Document(body, content_type.encode())

    return {"/metrics": page}


def has_dev_helpers(settings: Settings) -> bool:
    """Whether tests may reset this server: it was said, or nobody else reaches it and it keeps nothing."""
    return settings.dev or (settings.loopback and settings.store.in_memory)


async def _open(settings: Settings) -> Store:
    if settings.store.in_memory:
        return MemoryStore()
    try:
        return await SqliteStore.open(Path(settings.store.path), _abandon)
    except StoreError as error:
        raise OperatorError(str(error)) from error


def _abandon(error: StoreError) -> None:
    """End the process at once: what was answered is on disk, and nothing may be answered any more."""
    sys.stderr.write(f"{error}; stopped. Make sure of the disk, run 'tidegate check', then start again\n")
    sys.stderr.flush()
    os._exit(1)


def _methods(answered: Mapping[str, AnsweredRpc]) -> Mapping[str, GrpcMethod]:
    return {
        path: GrpcMethod(each.request, each.answer, each.most, each.insists, ENTRY_MAX)
        for path, each in answered.items()
    }
