"""Where the parts meet: settings become a store, a sender and an engine, these the application that the server runs."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, TypeAlias

from tidegate import __version__
from tidegate.access_control import AccessControl, access_control, id_tokens
from tidegate.api.door import Door
from tidegate.api.iam import iam_answers
from tidegate.api.operator import OperatorApi, Parts
from tidegate.api.operator.bulk import read_selection
from tidegate.api.operator.redrive import read_dead_selection
from tidegate.api.rpcs import Answer, AnsweredRpc, Api
from tidegate.attempt_warnings import AttemptWarnings
from tidegate.clock import SystemClock
from tidegate.console.application import Console
from tidegate.console.facts import facts_of
from tidegate.console.live import Nudges
from tidegate.console.route_names import route_of
from tidegate.core.access.permissions import METRICS_GET, SERVER_RESET
from tidegate.core.errors import FailedPrecondition
from tidegate.delivery.container import in_container
from tidegate.delivery.faults import FaultySender
from tidegate.delivery.http_sender import HttpSender
from tidegate.engine.engine import Engine
from tidegate.engine.faults import Faults
from tidegate.engine.ports.events import Events
from tidegate.engine.ports.world import Clock, MachineClock, Sender, World
from tidegate.exposure import has_dev_helpers, origins, warn_of_exposure
from tidegate.from_settings import audit_trail, http_sender, log_at, operator_rules, wall_clock
from tidegate.ids import RandomIds
from tidegate.observers.event_ring import EventRing
from tidegate.observers.idle import IdleWaits
from tidegate.observers.listeners import Listeners
from tidegate.observers.metrics.counts import Counts
from tidegate.observers.metrics.page import MetricsPage
from tidegate.observers.series import Series
from tidegate.opened_store import OpenedStore, open_store
from tidegate.operated import about
from tidegate.operation_log import LineWriter, OperationLog
from tidegate.operator_errors import OperatorError
from tidegate.queues_at_start import make_queues
from tidegate.schema.limits import ENTRY_MAX
from tidegate.schema.rpc import Rpc
from tidegate.servers.address import Address
from tidegate.servers.asgi import App
from tidegate.servers.call import Scope
from tidegate.servers.cors import Cors
from tidegate.servers.dev import DevHelpers
from tidegate.servers.grpc import GrpcMethod
from tidegate.servers.guards import guarded
from tidegate.servers.in_flight import InFlight
from tidegate.servers.mounts import Mount
from tidegate.servers.oauth import PATH as TOKEN_PATH
from tidegate.servers.operator import operator_mounts
from tidegate.servers.pages import Document, Page, discovery_pages, page_mounts
from tidegate.servers.reflection import reflection_mounts
from tidegate.servers.rest import RestServer
from tidegate.servers.rest.answers import cloud_tasks_answers
from tidegate.servers.streams import Streams
from tidegate.settings import Settings
from tidegate.task_tokens import mint_of, token_pages, warn_of_unreachable_issuer
from tidegate.tracing import MakeTracing, StreamAnswers, Tracing, tracing_as_asked

logger = logging.getLogger("tidegate")

MakeSender: TypeAlias = Callable[[Settings, Address, MachineClock], Sender]
"""Makes what sends attempts to their handlers."""
Methods: TypeAlias = dict[str, AnsweredRpc]
Answers: TypeAlias = dict[Rpc[Any, Any], Answer]


def application(
    settings: Settings,
    address: Address,
    *,
    listeners: Sequence[Events] = (),
    sources: Mapping[str, str] = MappingProxyType({}),
    hard_reset_on_purge: bool = False,
) -> App:
    """The application of a server with these settings that listens at ``address``; ``listeners`` are told of events.
    ``sources`` says where settings were made. With ``hard_reset_on_purge`` a purge frees the names of tasks too.
    """
    return Application(
        settings,
        address,
        listeners,
        sources,
        make_tracing=tracing_as_asked,
        hard_reset_on_purge=hard_reset_on_purge,
    ).asgi


class Application:
    """A server as its settings describe it, from start to stop. ``address`` is where it listens.

    ``make_sender`` and ``clock`` are for servers within a test: another way to handlers, a clock that is not patched.
    ``make_tracing`` says whether and how there are traces.
    """

    def __init__(
        self,
        settings: Settings,
        address: Address,
        listeners: Sequence[Events] = (),
        sources: Mapping[str, str] = MappingProxyType({}),
        *,
        make_sender: MakeSender | None = None,
        clock: SystemClock | None = None,
        make_tracing: MakeTracing = lambda _address, _counts: None,
        hard_reset_on_purge: bool = False,
    ) -> None:
        self._settings = settings
        self._hard_reset_on_purge = hard_reset_on_purge
        self._sources = sources
        self._make_sender = make_sender or http_sender
        self._clock = clock or SystemClock()
        self._listeners = listeners
        self._make_tracing = make_tracing
        self._tracing: Tracing | None = None
        self._address = address
        self._opened: OpenedStore | None = None
        self._sender: Sender | None = None
        self._engine: Engine | None = None
        self._log: LineWriter | None = None
        self._audit_log: LineWriter | None = None
        self._access: AccessControl | None = None
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
        self.asgi.patience = settings.drain.total_seconds()

    @property
    def engine(self) -> Engine:
        """The engine, once it has started."""
        assert self._engine is not None  # noqa: S101 - nobody asks before the start
        return self._engine

    async def _start(self) -> None:
        clock = self._clock
        opened = self._opened = await open_store(self._settings.store, clock)
        wall = await wall_clock(self._settings, opened)
        self._sender = http = self._make_sender(self._settings, self._address, clock)
        faults = Faults(wall) if self._settings.dev else None
        if faults is not None:
            self._sender = FaultySender(http, faults, clock)
        warn_of_exposure(self._settings)
        warn_of_unreachable_issuer(self._settings, self._address)
        issuer = self._settings.oidc_issuer or self._address.url
        mint = mint_of(self._settings, clock, opened.keys, issuer)
        self._log = log_at(self._settings.operation_log, "operation log")
        self._audit_log = log_at(self._settings.audit_log, "audit log")
        self._access = access_control(self._settings, self._address, opened.store, clock, issuer)
        if self._access is not None:
            await self._access.start()
            self.asgi.on_reload = self._access.reload
        ids = RandomIds()
        events = EventRing(wall.now, clock, ids.etag().hex())
        told = Listeners(*([faults] if faults is not None else []), *self._all_listeners(events, clock))
        self._tracing = tracing = self._make_tracing(self._address, self.counts)
        world = World(
            opened.store,
            self._sender,
            mint,
            wall,
            clock,
            ids,
            told,
            opened.membership,
            dice=random.Random().random,  # noqa: S311 - when to try again is no secret
            prober=http.prober(in_container=in_container()) if isinstance(http, HttpSender) else None,
            tracing=None if tracing is None else tracing.attempts,
        )
        engine = Engine(world, operator_rules(self._settings, hard_reset_on_purge=self._hard_reset_on_purge))
        await engine.join(f"{self._address.host}:{self._address.port}", self._address.url, __version__)
        await make_queues(engine, self._settings)
        engine.serve_bulk(read_selection)
        engine.serve_dead_tasks(read_dead_selection)
        await engine.start()
        self._engine = engine
        audit = audit_trail(self._settings, clock, self._audit_log)
        door = None if self._access is None else self._access.door(audit)
        series = Series(self.counts, engine.queues.stats, wall, clock)
        self._sampling = asyncio.create_task(series.run())
        api = Api(engine, location=self._settings.location, door=door)
        idle = IdleWaits(engine.numbers, events, clock)
        parts = Parts(
            engine=engine,
            door=door,
            audit=audit,
            dev=self._settings.dev,
            about=about(self._settings, self._sources, self._address, clock.now()),
            reset=self._reset,
            events=events,
            series=series,
            idle=idle,
            faults=faults,
        )
        operator = OperatorApi(parts)
        mounts = self._beside(engine, door, idle, token_pages(issuer, opened.keys, wall), clock)
        if self._access is not None:
            mounts += self._access.mounts(id_tokens(mint), self.asgi.bytes_in_flight)
        methods, rest, beside = self._traced(
            api.grpc() | operator.grpc(),
            cloud_tasks_answers(api) | iam_answers(engine, door, f"{issuer}{TOKEN_PATH}"),
            operator.methods(),
        )
        mounts += self._operated(operator, beside)
        if self._settings.console_mode != "off":
            self._nudges = Nudges(told, self._is_serving)
            mounts += self._traced_pages(self._console(api, operator, self._nudges, door, wall).mounts())
        mounts.append(Mount("/", RestServer(rest, self.asgi.bytes_in_flight, self.asgi.calls), below=True))
        self.asgi.store_away = opened.away
        self.asgi.serve(_methods(methods), mounts)

    def _traced(self, methods: Methods, rest: Answers, beside: Answers) -> tuple[Methods, Answers, Answers]:
        """The same over gRPC and over REST, with spans where there are traces."""
        if self._tracing is None:
            return methods, rest, beside
        calls = self.asgi.calls
        return self._tracing.grpc(methods, calls), self._tracing.rest(rest, calls), self._tracing.rest(beside, calls)

    def _operated(self, operator: OperatorApi, methods: Answers) -> list[Mount]:
        """Where the operator's service answers; ``methods`` are those that do not stream."""
        followed: Mapping[str, StreamAnswers] = {}
        if self._tracing is not None:
            followed = self._tracing.streams(operator.streams())
        streams, asgi = Streams(self.asgi.closing), self.asgi
        return operator_mounts(operator, asgi.bytes_in_flight, streams, asgi.calls, methods, **followed)

    def _traced_pages(self, mounts: list[Mount]) -> list[Mount]:
        return mounts if self._tracing is None else self._tracing.pages(mounts, route_of)

    def _all_listeners(self, events: EventRing, machine: MachineClock) -> list[Events]:
        """Who is told of the engine's events."""
        listeners: list[Events] = [self.counts, AttemptWarnings(machine.monotonic, self._settings.app_engine)]
        listeners += [events, *self._listeners]
        if self._access is not None:
            listeners.append(self._access.access)
        if self._log is not None:
            dice = random.Random().random  # noqa: S311 - which operations are logged is no secret
            listeners.append(OperationLog(dice, self._log.write, self._settings.app_engine, machine.now))
        return listeners

    def _console(self, api: Api, operator: OperatorApi, nudges: Nudges, door: Door | None, wall: Clock) -> Console:
        facts = facts_of(self._settings, self._address)
        logins = None if self._access is None else self._access.logins
        in_flight = self.asgi.bytes_in_flight
        return Console(api, operator, facts, nudges, in_flight, wall, self._clock, door=door, logins=logins)

    def _beside(
        self, engine: Engine, door: Door | None, idle: IdleWaits, tokens: dict[str, Page], machine: MachineClock
    ) -> list[Mount]:
        """What answers beside the rows: reflection, documents, metrics, and the helpers for tests."""
        metrics_door = None if self._settings.metrics_public else door
        shown = page_mounts(_metrics_page(self._metrics(engine, machine)))
        mounts = [*(guarded(each, door, None) for each in reflection_mounts()), *page_mounts(discovery_pages())]
        mounts += [*page_mounts(tokens), *(guarded(each, metrics_door, METRICS_GET) for each in shown)]
        if has_dev_helpers(self._settings):
            helpers = DevHelpers(idle, self._reset, self._is_serving).mounts()
            mounts += [guarded(each, door, SERVER_RESET, changes=each.verbs == {"POST"}) for each in helpers]
        return mounts

    def _metrics(self, engine: Engine, machine: MachineClock) -> MetricsPage:
        assert self._opened is not None  # noqa: S101 - it opens first
        return MetricsPage(
            self.counts,
            engine,
            self.asgi.calls,
            self._opened.commits,
            store=self._opened.kind,
            figures=self._opened.figures,
            ready=lambda: self.asgi.ready,
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
        if self._access is not None:
            self._access.stop()
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
        if self._tracing is not None:
            await self._tracing.close()
        if self._opened is not None:
            await self._opened.store.close()
        for log in (self._log, self._audit_log):
            if log is not None:
                await asyncio.to_thread(log.close)


def _metrics_page(metrics: MetricsPage) -> dict[str, Page]:
    async def page(scope: Scope) -> Document:
        accept = b",".join(value for name, value in scope["headers"] if name == b"accept")
        body, content_type = await metrics.render(accept.decode("latin-1"))
        return Document(body, content_type.encode())

    return {"/metrics": page}


def _methods(answered: Mapping[str, AnsweredRpc]) -> Mapping[str, GrpcMethod]:
    return {
        path: GrpcMethod(each.request, each.answer, each.most, each.insists, ENTRY_MAX)
        for path, each in answered.items()
    }
