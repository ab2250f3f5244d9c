"""Days in the life of several nodes on one store: killed, stopped, cut off, asked to stop, with clocks that differ."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.ids import CountingIds
from tests.invariants.history import Crashed, History, Started
from tests.promises.cluster import Cluster
from tests.promises.server import Handlers, Reply, reply_of, row_and_request
from tests.simulation.node_store import PATIENCE, NodeStore, Way
from tests.simulation.processes import PROCESS, Process, run
from tests.simulation.shared_store import SharedStore
from tests.simulation.virtual_time import START, VirtualClock

from tidegate.api.rpcs import Api
from tidegate.core.queue import Token
from tidegate.database_clock import DatabaseClock
from tidegate.engine.engine import Engine
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.store import StoreAwayError
from tidegate.engine.ports.world import World

SLOW = 0.002
"""Seconds that an answer of the store takes at most."""


class NoMint:
    async def authorization(self, token: Token) -> str:
        raise NotImplementedError


class Machine:
    """``ports.MachineClock`` of a machine whose clocks are wrong: one is set otherwise, and they run too fast."""

    def __init__(self, ahead: timedelta, pace: float) -> None:
        self._ahead = ahead
        self._pace = pace
        self._true = VirtualClock()

    def now(self) -> datetime:
        return self._true.now() + self._ahead

    def monotonic(self) -> float:
        return self._true.monotonic() * self._pace

    def elapsed(self) -> float:
        return self.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._pace)

    def call_later(self, seconds: float, wake: Callable[[], None]) -> asyncio.TimerHandle:
        return self._true.call_later(seconds / self._pace, wake)


class Node:
    """A process with an engine, from its start to its end."""

    def __init__(self, name: str, shared: SharedStore, handlers: Handlers, ids: CountingIds) -> None:
        dice = shared.dice
        self.name = name
        self.process = Process()
        self.way = Way(dice)
        self.up = False
        machine = Machine(timedelta(seconds=dice.choice([0, 0, 300, -300])), 1 + dice.choice([0, 2e-5, -2e-5]))
        clock = DatabaseClock(machine)
        self.store = NodeStore(shared, self.way, clock.sampled)
        self._world = World(
            self.store,
            handlers,
            NoMint(),
            clock,
            machine,
            ids,
            handlers.beginnings,
            self.store,
            dice.random,
        )
        self.engine: Engine | None = None
        self.starting: asyncio.Task[None] | None = None
        self._api: Api | None = None

    def start(self) -> None:
        self.starting = self.process.start(self._start())

    async def _start(self) -> None:
        engine = Engine(self._world, OperatorRules(queue_name_reuse_after=timedelta(seconds=1)))
        while True:  # as whoever starts servers would
            try:
                await engine.join(self.name)
            except StoreAwayError:
                await asyncio.sleep(1)
            else:
                break
        await engine.start()
        self.engine, self._api, self.up = engine, Api(engine), True

    async def answer(self, version: str, method: str, fields: dict[str, Any], patience: float) -> Reply:
        """As ``Server.answer``."""
        if not self.up or self._api is None:
            return Reply("UNAVAILABLE")
        row, raw = row_and_request(version, method, fields)
        work: asyncio.Task[Any] = self.process.start(self._call(row, raw))
        return await reply_of(work, method, patience)

    async def _call(self, row: Any, raw: Any) -> Any:
        assert self._api is not None
        return await self._api.method(row)(raw)

    async def kill(self) -> None:
        self.up = False
        await self.process.kill()

    async def stop(self) -> None:
        """SIGTERM, and the end of the process."""
        self.up = False
        if self.engine is not None:
            await asyncio.wait([self.process.start(self.engine.stop(timedelta(seconds=30)))])
        await self.process.kill()


class Servers:
    """Nodes behind a balancer that knows nothing of them. In a cluster they stand where else one server stands."""

    def __init__(self, dice: random.Random, history: History, nodes: int) -> None:
        self.clock = VirtualClock()
        self.memory = SharedStore(dice, self._fenced)
        self.memory.held_now = dice.choice([0.0, 0.1, 0.5])
        self.handlers = Handlers(dice, self.clock, history)
        self.handlers.node = _sender
        self.nodes: list[Node] = []
        self._names = [f"node-{number}" for number in range(nodes)]
        self._dice = dice
        self._history = history
        self._ids = CountingIds()

    @property
    def up(self) -> bool:
        return all(node.up for node in self.nodes) and len(self.nodes) == len(self._names)

    async def start(self) -> None:
        """Start those that are missing, and wait until all are up."""
        for name in self._names:
            if all(node.name != name for node in self.nodes):
                self.begin(name)
        while not self.up:
            for node in self.nodes:
                if node.starting is not None and node.starting.done():
                    node.starting.result()  # which may be why it is not up
            await asyncio.sleep(0.1)
        self._history.add(Started(self.clock.monotonic()))

    def begin(self, name: str) -> Node:
        node = Node(name, self.memory, self.handlers, self._ids)
        self.nodes.append(node)
        node.process.node = node  # type: ignore[attr-defined]
        node.start()
        return node

    async def end(self, node: Node, *, kill: bool) -> None:
        self.nodes.remove(node)
        if kill:
            self._history.add(Crashed(self.clock.monotonic(), node=node.store.node))
            await node.kill()
        else:
            await node.stop()

    async def stop(self) -> None:
        await asyncio.gather(*[self.end(node, kill=False) for node in list(self.nodes)])

    async def crash(self) -> None:
        """The end of the day."""
        for node in list(self.nodes):
            node.way.cut = False
            await self.end(node, kill=True)

    async def answer(self, version: str, method: str, fields: dict[str, Any], patience: float) -> Reply:
        if not self.nodes:
            return Reply("UNAVAILABLE")
        return await self._dice.choice(self.nodes).answer(version, method, fields, patience)

    def wall(self) -> float:
        return (self.clock.now() - START).total_seconds()

    def _fenced(self, node: int) -> None:
        self._history.add(Crashed(self.clock.monotonic(), node=node))


def _sender() -> int:
    process = PROCESS.get()
    assert process is not None
    return process.node.store.node  # type: ignore[attr-defined, no-any-return]


class NodesCluster(Cluster):
    """One seeded run with several nodes."""

    server: Any

    def __init__(self, seed: int, *, clients: int = 3, things: int = 14) -> None:
        super().__init__(seed, clients=clients, things=things)
        self.history.slack = SLOW
        self.server = Servers(self.dice, self.history, self.dice.randint(2, 4))
        for client in self._clients:
            client._server = self.server

    def run(self) -> NodesCluster:
        run(self._live())
        return self

    async def _make_trouble(self) -> None:
        dice = self.dice
        kinds = [self._kill, self._freeze, self._cut_off, self._roll, self._slow]
        kinds = dice.sample(kinds, dice.randint(0, len(kinds)))
        while kinds and not self._over:
            await asyncio.sleep(dice.choice([0.5, 5.0, 20.0]) * dice.random())
            if self.server.nodes:
                await dice.choice(kinds)(dice.choice(self.server.nodes))
        for node in self.server.nodes:
            node.way.cut, node.way.slow = False, SLOW

    async def _kill(self, node: Node) -> None:
        """And start it anew, by the same name or, much later, when the others know that it is dead."""
        self._note(f"{node.name} is killed")
        await self.server.end(node, kill=True)
        await asyncio.sleep(self.dice.choice([0.1, 2.0, 20.0]) * self.dice.random())
        self._note(f"{node.name} starts again")
        self.server.begin(node.name)

    async def _roll(self, node: Node) -> None:
        self._note(f"{node.name} is asked to stop")
        await self.server.end(node, kill=False)
        self.server.begin(node.name)

    async def _freeze(self, node: Node) -> None:
        """Sometimes with all others."""
        frozen = [node] if self.dice.random() < 0.8 else list(self.server.nodes)
        for each in frozen:
            self._note(f"{each.name} stands still")
            each.process.stop()
        await asyncio.sleep(self.dice.choice([1.0, 9.0, 30.0]) * self.dice.random())
        for each in frozen:
            self._note(f"{each.name} goes on")
            each.process.go_on()
            await asyncio.sleep(self.dice.choice([0.0, 2.0]) * self.dice.random())

    async def _cut_off(self, node: Node) -> None:
        self._note(f"{node.name} is cut off from the store")
        node.way.cut = True
        self.history.slack = max(self.history.slack, PATIENCE + 0.2)  # a call begins, waits, and has its effect
        await asyncio.sleep(self.dice.choice([1.0, 9.0, 30.0]) * self.dice.random())
        self._note(f"{node.name} reaches the store again")
        node.way.cut = False

    async def _slow(self, node: Node) -> None:
        """Until the day is over, or it gets quick again."""
        node.way.slow = self.dice.choice([SLOW, 0.1, 1.0, 4.0])
        self.history.slack = max(self.history.slack, node.way.slow)

    async def _settle(self) -> None:
        if not self.server.up:
            await self.server.start()
        await super()._settle()
