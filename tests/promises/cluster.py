"""Days in the life of a server: several clients call its whole API while an injector makes trouble. A run is a function
of its seed; its history holds what clients, handlers and the injector know.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.invariants.history import ClockMoved, History, Note, Settled
from tests.promises.client import Client
from tests.promises.messages import FAR, PULL, PUSH, queue_name
from tests.promises.server import Server
from tests.simulation.beginnings import short
from tests.simulation.virtual_time import run

from tidegate.core.names import QueueName
from tidegate.core.task import Task
from tidegate.engine.ports.store import Reader


class Cluster:
    """One seeded run."""

    def __init__(self, seed: int, *, clients: int = 3, things: int = 14) -> None:
        self.dice = random.Random(seed)
        self.history = History()
        self.numbers = itertools.count(1)
        self.known: list[str] = []
        self.dropping = self.dice.choice([0.0, 0.05, 0.2])
        self._things = things
        self._over = False
        self._outside: set[asyncio.Task[Any]] = set()
        self.server = Server(self.dice, self.history, outside=self._outside)
        self._clients = [Client(f"client-{number}", self) for number in range(clients)]

    def run(self) -> Cluster:
        run(self._live())
        return self

    async def _live(self) -> None:
        main = asyncio.current_task()
        assert main is not None
        self._outside.add(main)
        await self.server.start()
        dropping, self.dropping = self.dropping, 0.0
        for queue in (*PUSH, PULL):
            await self._clients[0].make(queue)
        self.dropping = dropping
        others = [asyncio.ensure_future(client.work(self._things)) for client in self._clients]
        others.append(asyncio.ensure_future(self._make_trouble()))
        self._outside.update(others)
        try:
            await asyncio.gather(*others[:-1])
            self._over = True
            await others[-1]
            await self._settle()
        finally:
            for other in others:
                other.cancel()
            await self.server.crash()

    # --- trouble ----------------------------------------------------------------------------------------------------

    async def _make_trouble(self) -> None:
        dice = self.dice
        kinds = [self._crash, self._crash, self._move_clock, self._slow_disk, self._failing_disk, self._full_disk]
        kinds = dice.sample(kinds, dice.randint(0, len(kinds)))
        while kinds and not self._over:
            await asyncio.sleep(dice.choice([0.5, 5.0, 20.0]) * dice.random())
            await dice.choice(kinds)()

    async def _crash(self) -> None:
        """A crash, sometimes in the midst of a start; a stop, sometimes."""
        if self.dice.random() < 0.2:
            self._note("the server is asked to stop")
            await self.server.stop()
        await self.server.crash()
        await asyncio.sleep(self.dice.random() * 2)
        await self._start()

    async def _start(self) -> None:
        if self.dice.random() < 0.1:
            starting = asyncio.ensure_future(self.server.start())
            await asyncio.sleep(self.dice.random() * 0.01)
            if not starting.done():
                await self.server.crash()
                await asyncio.gather(starting, return_exceptions=True)
                await self._start()
        else:
            trouble = self.server.trouble
            trouble.failing = False  # a server that cannot write does not start
            await self.server.start()

    async def _move_clock(self) -> None:
        by = self.dice.choice([1.0, -0.5, -90.0, 30.0, 7200.0]) * self.dice.random()
        by = round(by, 6)
        self.server.clock.shift(timedelta(seconds=by))
        self.server.handlers.beginnings.clock_moved(by)
        self.history.add(ClockMoved(self.server.clock.monotonic(), by))

    async def _slow_disk(self) -> None:
        await self._for_a_while("slow", self.dice.choice([0.1, 3.0]), 0.0, "the disk gets slow", "fast again")

    async def _failing_disk(self) -> None:
        await self._for_a_while("failing", True, False, "nothing can be committed", "commits work again")

    async def _full_disk(self) -> None:
        await self._for_a_while("full", True, False, "the disk is full", "there is room again")

    async def _for_a_while(self, what: str, begin: Any, end: Any, *texts: str) -> None:
        trouble = self.server.trouble
        self._note(texts[0])
        setattr(trouble, what, begin)
        try:
            await asyncio.sleep(self.dice.random() * 5)
        finally:
            setattr(trouble, what, end)
            self._note(texts[1])

    def _note(self, text: str) -> None:
        self.history.add(Note(self.server.clock.monotonic(), text))

    # --- the end ----------------------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        """Let everything that is due be done, and look at what is left. What nobody takes up is lost."""
        if not self.server.up:
            await self.server.crash()  # whatever was half begun
            await self.server.start()
        self.dropping = 0.0
        self.server.handlers.failing = 0.1
        for queue in PUSH:
            await self._clients[0].call("resume_queue", {"name": queue_name(queue)}, queue, persist=True)
        patience = self.server.clock.monotonic() + 3600
        while (forgotten := await self._due()) and self.server.clock.monotonic() < patience:  # noqa: ASYNC110
            await asyncio.sleep(2)
        await self.server.stop()
        held: dict[str, frozenset[str]] = {}
        for queue in (*PUSH, PULL):
            held[queue] = frozenset(short(task.name) for task in await self._tasks(queue)) - set(forgotten)
        self.history.add(Settled(self.server.clock.monotonic(), held))

    async def _due(self) -> list[str]:
        """Tasks of push queues that wait or are under way, but for those of the far future."""
        soon = self.server.clock.now() + timedelta(seconds=FAR / 2)
        due = []
        for queue in PUSH:
            due += [short(task.name) for task in await self._tasks(queue) if task.schedule_time < soon]
        return due

    async def _tasks(self, queue: str) -> Sequence[Task]:
        def look(tx: Reader) -> Sequence[Task]:
            stored = tx.queue(QueueName.of("p", "l", queue))
            return [] if stored is None else tx.tasks(stored, "", 10_000, body=False)

        return await self.server.memory.read(look)
