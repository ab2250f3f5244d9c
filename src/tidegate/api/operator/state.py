"""Everything as records: out of one server, into another."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Final

from tidegate import __version__
from tidegate.api.handlers.policies import read_policy, write_policy
from tidegate.api.operator.dead_letters import write_dead_task
from tidegate.api.operator.options import write_options
from tidegate.api.operator.parts import Parts
from tidegate.api.operator.state_reading import FORMAT_VERSION, read_record
from tidegate.api.operator.state_secrets import mask_record
from tidegate.api.pace import Pace
from tidegate.api.times import put_moment
from tidegate.api.v2beta3 import V2beta3
from tidegate.api.views import FULL
from tidegate.core.errors import ApiError, InvalidArgument
from tidegate.core.names import QUEUE, LocationName, ProjectName, QueueName
from tidegate.core.operator_names import ServerName
from tidegate.core.policy import Policy
from tidegate.core.queue import Queue
from tidegate.core.trace_context import read_kept
from tidegate.engine.ports.store import StoredQueue
from tidegate.engine.state import OnConflict, Record
from tidegate.schema.operator import ImportStateResponse, StateRecord
from tidegate.schema.rpc import raw

PART_BYTES: Final = 2 * 2**20
"""Bytes of records that are imported in one transaction, if they are more than one record."""

Place = LocationName | ProjectName | ServerName

_DIALECT: Final = V2beta3()
_RECORD: Final = raw(StateRecord)


def _prefix(parent: Place) -> str:
    """How the names of all queues under ``parent`` begin."""
    return "projects/" if isinstance(parent, ServerName) else f"{parent}/"


async def export_state(
    parts: Parts,
    request: Any,
    parent: Place,
    call: Any,
) -> AsyncGenerator[Any, None]:
    """The stream of records: a header, each queue followed by its tasks and dead tasks, a trailer."""
    named = [_queue_name(name, parent) for name in request.queues]
    queues = [await parts.engine.state.queue(name) for name in named] if named else None
    return _Export(parts, request, parent).records(queues)


def _queue_name(name: str, parent: Place) -> QueueName:
    queue = QUEUE.parse(name)
    if queue is None or not queue.startswith(_prefix(parent)):
        raise InvalidArgument(f"queues must have the full names of queues of {parent}, but has {name[:200]!r}.")
    return queue


class _Export:
    def __init__(self, parts: Parts, request: Any, parent: Place) -> None:
        self._engine = parts.engine
        self._with_dead = request.include_dead
        self._with_policies = request.include_policies
        self._with_secrets = request.include_secrets
        self._parent = parent
        self._pace = Pace()
        self._queues = self._tasks = self._dead = 0

    async def records(self, queues: list[StoredQueue] | None) -> AsyncGenerator[Any, None]:
        """Those of these queues, or of all under the parent."""
        header = _RECORD()
        header.header.format_version = FORMAT_VERSION
        header.header.server_version = __version__
        header.header.parent = self._parent
        header.header.secrets_masked = not self._with_secrets
        put_moment(header.header.export_time, self._engine.clock.now())
        yield header
        async for stored in self._stored(queues):
            async for record in self._of(stored):
                if not self._with_secrets:
                    mask_record(record)
                yield record
                await self._pace.step()
        trailer = _RECORD()
        trailer.trailer.queues, trailer.trailer.tasks, trailer.trailer.dead_tasks = (
            self._queues,
            self._tasks,
            self._dead,
        )
        yield trailer

    async def _stored(self, queues: list[StoredQueue] | None) -> AsyncGenerator[StoredQueue, None]:
        for each in queues or ():
            yield each
        after = ""
        while queues is None and (page := await self._engine.state.queues(_prefix(self._parent), after)):
            for each in page:
                yield each
            after = page[-1].queue.name

    async def _of(self, stored: StoredQueue) -> AsyncGenerator[Any, None]:
        yield await self._queue(stored.queue)
        self._queues += 1
        after = ""
        while tasks := await self._engine.state.tasks(stored, after):
            for task in tasks:
                record = _RECORD()
                _DIALECT.write_task(task, FULL, record.task)
                _put_trace(record, task.trace)
                yield record
            self._tasks += len(tasks)
            after = tasks[-1].name.task
        last = 0
        while self._with_dead and (dead := await self._engine.state.dead_tasks(stored, last)):
            for each in dead:
                record = _RECORD()
                write_dead_task(each, FULL, record.dead_task)
                _put_trace(record, each.task.trace)
                yield record
            self._dead += len(dead)
            last = dead[-1].id

    async def _queue(self, queue: Queue) -> Any:
        record = _RECORD()
        _DIALECT.write_queue(queue, record.queue.queue)
        if queue.options is not None:
            record.queue.options.CopyFrom(write_options(queue.options))
        if self._with_policies:
            policy = await self._engine.policies.get(queue.name)
            if policy.bindings:
                record.queue.policy.CopyFrom(write_policy(Policy(policy.version, policy.bindings)))
        return record


def _put_trace(record: Any, kept: bytes) -> None:
    creation = read_kept(kept)
    if creation is not None:
        record.traceparent, record.tracestate = creation.traceparent, creation.state


async def import_state(parts: Parts, request: Any, parent: Place, call: Any) -> Any:
    """What became of the records: so many are here now, so many were left out, and why others could not be taken."""
    try:
        on_conflict = OnConflict(request.on_conflict or OnConflict.SKIP)
    except ValueError:
        raise InvalidArgument("on_conflict must be SKIP, FAIL or REPLACE.") from None
    imported = _Import(parts, _prefix(parent), on_conflict, paused=request.paused)
    pace = Pace()
    for message in request.records:
        await imported.add(message)
        await pace.step()
    await imported.flush()
    return imported.response


class _Import:
    """Takes in records one after the other, some together."""

    def __init__(self, parts: Parts, under: str, on_conflict: OnConflict, *, paused: bool) -> None:
        self.response = raw(ImportStateResponse)()
        self._engine = parts.engine
        self._under = under
        self._on_conflict = on_conflict
        self._paused = paused
        self._part: list[tuple[str, Record, Any]] = []
        self._bytes = 0

    async def add(self, message: Any) -> None:
        """Take in a record, together with those that follow. Raises InvalidArgument for one that ends the import."""
        size = message.ByteSize()
        if self._part and self._bytes + size > PART_BYTES:
            await self.flush()
        ceilings, now = self._engine.operator_rules.ceilings, self._engine.clock.now()
        try:
            read = read_record(message, self._under, ceilings, now, paused=self._paused)
        except ApiError as error:
            self._fail(_name(message), error)
            return
        if read is not None:
            self._part.append((_name(message), read, message))
            self._bytes += size

    async def flush(self) -> None:
        """Store what was added."""
        part, self._part, self._bytes = self._part, [], 0
        if not part:
            return
        outcomes = await self._engine.state.take_in([record for _, record, _ in part], self._on_conflict)
        for (name, record, message), outcome in zip(part, outcomes, strict=True):
            if isinstance(outcome, ApiError):
                self._fail(name, outcome)
            elif not outcome:
                self.response.skipped += 1
            else:
                self.response.imported += 1
                if isinstance(record, Queue) and message.queue.HasField("policy"):
                    await self._set_policy(record.name, message.queue.policy)

    async def _set_policy(self, queue: QueueName, message: Any) -> None:
        policy = read_policy(message)
        try:
            await self._engine.policies.set(queue, Policy(policy.version, policy.bindings), None)
        except ApiError as error:
            self._fail(queue, error)

    def _fail(self, name: str, error: ApiError) -> None:
        self.response.failures.add(name=name, status={"code": int(error.code), "message": error.message})


def _name(message: Any) -> str:
    """The name of what a record is about."""
    kind = message.WhichOneof("record")
    if kind is None:
        return ""
    name: str = message.queue.queue.name if kind == "queue" else getattr(getattr(message, kind), "name", "")
    return name
