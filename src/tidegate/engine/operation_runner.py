"""Long-running operations at work: begun, done step by step, looked at, stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core import refusals
from tidegate.core.errors import ApiError, Cancelled, Internal, ResourceExhausted
from tidegate.core.names import OperationName, QueueName
from tidegate.engine.finishing import to_its_end
from tidegate.engine.long_running import (
    CANCELLED_TEXT,
    Changed,
    Found,
    LongRunning,
    Progress,
    Worker,
    load,
    load_all,
    load_all_unfinished,
    load_unfinished,
    operation_name,
    save,
    stepped,
)
from tidegate.engine.nodes import Nodes
from tidegate.engine.ports.store import Reader, Store, StoreError, Transaction
from tidegate.engine.ports.world import World

logger = logging.getLogger(__name__)

STEP: Final = 250
"""Entries changed in one transaction at most: a few milliseconds, which is all that others wait."""

LOOKS_PER_SAVE: Final = 20
"""Looks that find nothing until it is noted how far they came; after a restart they are made again."""

PAUSE: Final = 0.02
"""Seconds between steps, so that an operation on a million tasks leaves the store to others."""

PAUSE_WITHOUT_ROOM: Final = 0.1
"""Seconds until the next step when nothing more may be started now."""

PAUSE_AFTER_ERROR: Final = 1.0
"""Seconds until a step is tried again that the store could not commit."""

RUNNING_AT_ONCE: Final = 4
"""Operations that make steps at the same time; further ones wait for their turn."""

UNFINISHED_MAX: Final = 100
"""Operations that may be under way or waiting."""

COUNTED_MAX: Final = 10_000
"""Entries up to which is counted what an operation would change."""

SCANNED_MAX: Final = 200_000
"""Entries that are looked at to count them; then there may be more."""

TAKEN_OVER_MAX: Final = 1000
"""Operations that a start goes on with at most: many more than one process may leave."""


def owner_of(node: int) -> str:
    """A node, as its operations know it."""
    return f"node-{node}"


class Count(Struct, frozen=True):
    """How many entries an operation would change; ``more`` says that there may be more than that."""

    entries: int
    more: bool


class OperationRunner:
    """The long-running operations of this process."""

    def __init__(self, world: World, store: Store, nodes: Nodes | None = None) -> None:
        """Calls use the ``store`` of the world, the operations themselves ``store``, whose errors they outlast."""
        self._nodes = nodes
        self._calls = world.store
        self._store = store
        self._clock = world.clock
        self._machine = world.machine
        self._ids = world.ids
        self._workers: dict[str, Worker] = {}
        self._turns = asyncio.Semaphore(RUNNING_AT_ONCE)
        self._running: dict[str, asyncio.Task[None]] = {}
        self._stopping = False

    @property
    def _owner(self) -> str:
        """This process, as its operations know it."""
        return self._process if self._nodes is None else owner_of(self._nodes.node)

    @cached_property
    def _process(self) -> str:
        return self._ids.operation_id()

    def add_workers(self, workers: Mapping[str, Worker]) -> None:
        """What operations of these kinds do. Call before ``start``."""
        self._workers.update(workers)

    def take_over(self, tx: Transaction, now: datetime, owners: Collection[str] = ()) -> Sequence[LongRunning]:
        """The operations that no longer have one of these owners, which are ours from now on: those that the last
        process left unfinished, or a node that is no more.
        """
        left = [each for each in load_all_unfinished(tx, TAKEN_OVER_MAX, now) if each.owner not in owners]
        for each in left:
            save(tx, replace(each, owner=self._owner))
        return left

    def start(self, operations: Sequence[LongRunning]) -> None:
        """Go on with what was taken over."""
        self._stopping = False
        for each in operations:
            if each.name not in self._running:
                self._go(each.name)

    async def stop(self) -> None:
        """Leave the operations where they are; the next start goes on."""
        self._stopping = True
        running = list(self._running.values())
        for each in running:
            each.cancel()
        if running:
            await asyncio.wait(running)

    @property
    def idle(self) -> bool:
        """Whether no operation is under way in this process."""
        return not self._running

    @to_its_end
    async def begin(self, kind: str, queue: QueueName, request: bytes) -> LongRunning:
        """Begin an operation on a queue; it goes on by itself.

        Raises what ``Worker.total`` raises, ResourceExhausted when too many are under way.
        """
        if len(self._running) >= UNFINISHED_MAX:
            raise ResourceExhausted(
                f"{UNFINISHED_MAX} operations are under way, which is the most there may be; wait for some to end."
            )
        begun = self._new(kind, queue, request)

        def work(tx: Transaction) -> LongRunning:
            counted = replace(begun, progress=Progress(self._workers[kind].total(tx, begun)))
            save(tx, counted)
            return counted

        operation = await self._calls.write(work)
        self._go(operation.name)
        return operation

    async def count(self, kind: str, queue: QueueName, request: bytes) -> Count:
        """How many entries the operation would change, up to ``COUNTED_MAX``. Raises what ``begin`` raises."""
        operation, worker = self._new(kind, queue, request), self._workers[kind]
        await self._calls.read(partial(worker.total, operation=operation))
        entries, scanned, position = 0, 0, ""
        while True:
            look = partial(worker.look, operation=operation, position=position, limit=STEP)
            found = await self._calls.read(look)
            entries += len(found.entries)
            scanned += found.scanned
            if found.end or entries >= COUNTED_MAX or scanned >= SCANNED_MAX:
                return Count(min(entries, COUNTED_MAX), entries > COUNTED_MAX or not found.end)
            position = found.position
            await asyncio.sleep(0)  # others want the store, too

    async def get(self, name: OperationName) -> LongRunning:
        """Raises NotFound when there is no such operation, or no longer."""
        now = self._clock.now()
        found = await self._calls.read(lambda reader: load(reader, name, now))
        if found is None:
            raise refusals.not_found()
        return found

    async def list(self, parent: str, after: str, limit: int) -> Sequence[LongRunning]:
        """Operations of ``projects/P/locations/L`` with IDs after ``after``, in the order of their IDs."""
        under, now = f"{parent}/operations/", self._clock.now()
        return await self._calls.read(lambda reader: load_all(reader, under, under + after, limit, now))

    async def cancel(self, name: OperationName) -> LongRunning:
        """Stop an operation after the step that it is in; one that has ended stays as it is. Raises NotFound."""
        now = self._clock.now()

        def work(tx: Transaction) -> LongRunning:
            operation = load(tx, name, now)
            if operation is None:
                raise refusals.not_found()
            if operation.done:
                return operation
            cancelled = operation.ended(now, Cancelled(CANCELLED_TEXT))
            save(tx, cancelled)
            return cancelled

        return await self._calls.write(work)

    def _new(self, kind: str, queue: QueueName, request: bytes) -> LongRunning:
        name = operation_name(queue, self._ids.operation_id())
        return LongRunning(
            str.__str__(name), kind, str.__str__(queue), request, owner=self._owner, start_time=self._clock.now()
        )

    def _go(self, name: str) -> None:
        running = asyncio.get_running_loop().create_task(self._run(name))
        self._running[name] = running
        running.add_done_callback(lambda _: self._running.pop(name, None))

    async def _run(self, name: str) -> None:
        failure: ApiError | None = None
        async with self._turns:
            while not self._stopping:
                try:
                    if failure is not None:
                        return await self._fail(name, failure)
                    if await self._steps(name):
                        return None
                except StoreError as error:
                    logger.warning("cannot go on with %s: %s", name, error, extra={"operation": name})
                    await self._machine.sleep(PAUSE_AFTER_ERROR)
                except ApiError as error:
                    failure = error
                except Exception:
                    logger.exception("%s failed", name, extra={"operation": name})
                    failure = Internal("The operation failed. The log of the server says how.")
        return None

    async def _fail(self, name: str, error: ApiError) -> None:
        def work(tx: Transaction) -> None:
            now = self._clock.now()
            operation = self._mine(tx, name, now)
            if operation is not None:
                save(tx, operation.ended(now, error))

        await self._store.write(work)

    async def _steps(self, name: str) -> bool:
        """Look until there is something to change or to note, and do that. True when the operation has ended."""
        now = self._clock.now()
        operation = await self._store.read(lambda reader: self._mine(reader, name, now))
        if operation is None:
            return True
        worker = self._workers[operation.kind]
        scanned, position = 0, operation.position
        for _ in range(LOOKS_PER_SAVE):
            while not (room := min(worker.room(operation), STEP)):
                await self._machine.sleep(PAUSE_WITHOUT_ROOM)
            look = partial(worker.look, operation=operation, position=position, limit=room)
            found = await self._store.read(look)
            scanned, position = scanned + found.scanned, found.position
            if found.entries or found.end:
                break
            await self._machine.sleep(PAUSE)
        found = replace(found, scanned=scanned)
        work = partial(self._step, name=name, found=found, worker=worker)
        step = await self._store.write(work, changes=worker.changes(operation) if found.entries else ())
        if step is None:
            return True
        operation, changed = step
        worker.committed(operation, changed)
        if not operation.done:
            await self._machine.sleep(PAUSE)
        return operation.done

    def _step(self, tx: Transaction, name: str, found: Found, worker: Worker) -> tuple[LongRunning, Changed] | None:
        now = self._clock.now()
        operation = self._mine(tx, name, now)
        if operation is None:
            return None
        changed = worker.change(tx, operation, found.entries, now) if found.entries else Changed(0)
        operation = stepped(operation, found, changed)
        if found.end:
            operation = operation.ended(now)
        save(tx, operation)
        return operation, changed

    def _mine(self, reader: Reader, name: str, now: datetime) -> LongRunning | None:
        """The operation, if it is still to be done and by this process."""
        operation = load_unfinished(reader, name, now)
        return None if operation is None or operation.owner != self._owner else operation
