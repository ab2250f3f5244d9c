"""What happens, as it happens; and waiting until nothing is left to do."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import timedelta
from typing import Any, Final

from tidegate.api.fields import schema_of
from tidegate.api.operator.event_messages import write_event
from tidegate.api.operator.parts import Parts
from tidegate.api.pace import Pace
from tidegate.api.times import read_duration
from tidegate.core.errors import InvalidArgument, Unimplemented
from tidegate.core.listing import compile_filter
from tidegate.core.names import LocationName, ProjectName, QueueName
from tidegate.core.operator_names import ServerName
from tidegate.observers.event_ring import EventRing, Wants
from tidegate.observers.happenings import Entry, EventKind, Happening, happenings, kind_of_entry, size_of
from tidegate.schema.operator import Event, WaitIdleResponse
from tidegate.schema.rpc import raw

SLICE: Final = 100
"""Events read from the ring in one step."""
QUIET: Final = 60.0
"""Seconds after which a watcher without news looks whether it still has its place."""

WAIT_MAX: Final = timedelta(seconds=60)
COUNTED_MAX: Final = 10_000
"""Tasks up to which WaitIdle says how many are left."""

_EVENT: Final = raw(Event)
_RESPONSE: Final = raw(WaitIdleResponse)
_KINDS: Final = frozenset(map(int, EventKind))

Chooses = Callable[[Happening], Any | None]
"""The message of an event that its watcher wants, None of another one."""


async def watch_events(
    parts: Parts,
    request: Any,
    parent: LocationName | ProjectName | ServerName,
    call: Any,
) -> AsyncGenerator[Any, None]:
    """The stream of what happens under ``parent``."""
    ring = parts.events
    if ring is None:
        raise Unimplemented("This server keeps no events.")
    if request.cursor:
        ring.read_cursor(request.cursor)
    if request.replay_last < 0:
        raise InvalidArgument(f"replay_last must not be negative, but is {request.replay_last}.")
    wants = _wants(request, parent)
    return _follow(ring, request.cursor, request.replay_last, _chooser(ring, request), wants)


def _wants(request: Any, parent: LocationName | ProjectName | ServerName) -> Wants:
    """What can be said of events before they are made. Raises InvalidArgument."""
    kinds = frozenset(request.kinds)
    if not kinds <= _KINDS:
        raise InvalidArgument(f"kinds has {min(kinds - _KINDS)}, which is no kind of event.")
    under = None if isinstance(parent, ServerName) else f"{parent}/"

    def wants(entry: Entry) -> bool:
        if kinds and kind_of_entry(entry) not in kinds:
            return False
        return under is None or entry.queue is None or entry.queue.startswith(under)

    return wants


def _chooser(ring: EventRing, request: Any) -> Chooses:
    """Raises InvalidArgument."""
    chooses = compile_filter(request.filter, schema_of(_EVENT.DESCRIPTOR)) if request.filter.strip() else None

    def message(event: Happening) -> Any | None:
        written = write_event(event, ring.cursor(event.number))
        return written if chooses is None or event.kind is EventKind.GAP or chooses(written) else None

    return message


async def _follow(
    ring: EventRing, cursor: str, replay_last: int, chooses: Chooses, wants: Wants
) -> AsyncGenerator[Any, None]:
    pace = Pace()
    with ring.watch(cursor) as watch:
        if replay_last and not cursor:
            watch.go_back_to(await _before_last(ring, replay_last, chooses, wants, pace))
        while True:
            found = watch.read(SLICE, wants)
            for event in found:
                message = chooses(event)
                if message is not None:
                    await watch.turn()
                    yield message
                await pace.step()
            if not found:
                await watch.wait(QUIET)


async def _before_last(ring: EventRing, count: int, chooses: Chooses, wants: Wants, pace: Pace) -> int:
    """The number of the event before the last so many that are wanted and remembered."""
    number, found = ring.last, 0
    for entry in ring.backwards():
        if wants(entry):
            for event in reversed(happenings(entry, 0, size_of(entry))):
                if chooses(event) is not None:
                    number, found = event.number - 1, found + 1
                    if found == count:
                        return number
        await pace.step()
    return number


async def wait_idle(parts: Parts, request: Any, parent: QueueName | ProjectName, call: Any) -> Any:
    """Whether the tasks of a queue or a project are all done, after ``timeout`` at most."""
    if parts.idle is None:
        raise Unimplemented("This server keeps no events.")
    timeout = read_duration(request.timeout).timedelta() if request.HasField("timeout") else WAIT_MAX
    if not timedelta() <= timeout <= WAIT_MAX:
        raise InvalidArgument(
            f"timeout must be between 0s and {WAIT_MAX.seconds}s, but is {timeout.total_seconds():g}s."
        )
    left = await parts.idle.wait(parent, timeout.total_seconds())
    return _RESPONSE(idle=not left.tasks, tasks=min(left.tasks, COUNTED_MAX))
