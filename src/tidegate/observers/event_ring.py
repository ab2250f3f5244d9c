"""The last events of the engine, kept in memory and numbered, for those who watch.

To note an event costs a small tuple, whoever watches: watchers read the ring at their own pace, by the number of the
last event that they have.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Final

from tidegate.core.errors import ResourceExhausted
from tidegate.core.lifecycle import Retry
from tidegate.core.masking import masked_url
from tidegate.core.names import QueueName
from tidegate.core.task import HttpRequest
from tidegate.engine.ports.events import (
    AllDeleted,
    AttemptEnded,
    AttemptStarted,
    QueueChanged,
    QueueDeleted,
    TaskDied,
    TasksCreated,
    TasksDeleted,
)
from tidegate.engine.ports.world import MachineClock, Timer
from tidegate.observers.cursors import cursor_of, read_cursor
from tidegate.observers.deliveries import Deliveries
from tidegate.observers.happenings import (
    Detail,
    EndedAttempt,
    Entry,
    EventKind,
    GivenUp,
    Group,
    Happening,
    StartedAttempt,
    happenings,
    size_of,
)
from tidegate.observers.listeners import ByClass

RING_SIZE: Final = 10_000
"""Events that are remembered; those of the oldest transaction go together."""

URL_KEPT: Final = 500
"""Characters of a URL that are remembered: 5 MB in all, where every URL is that long and another."""

UNREAD_MAX: Final = 1000
"""Events that a watcher may leave unread who does not read."""

STALLED: Final = 5.0
"""Seconds without reading after which a watcher counts as one who does not read. A busy one is only late."""

WATCHERS_MAX: Final = 200
"""Watchers at the same time."""

WAKES_PER_SECOND: Final = 200
"""How often watchers are woken by news, all of them together, once they are more than ``FEW``: fifty hear of something
a quarter of a second late at most.
"""
FEW: Final = 4

NOTHING: Final[Detail] = ""

Wants = Callable[[Entry], bool]
"""Whether a watcher wants the events of an entry."""

TASK_CREATED: Final = EventKind.TASK_CREATED  # a member of an enum takes long to look up


class EventRing(ByClass):
    """``ports.Events``: remembers what it hears.

    ``life`` names this life of the server: cursors of an earlier one are told from ours by it.
    """

    def __init__(self, now: Callable[[], datetime], machine: MachineClock, life: str, size: int = RING_SIZE) -> None:
        self._now = now
        self._machine = machine
        self.deliveries = Deliveries(machine)
        self._life = life
        self.size = size
        self._entries: deque[Entry] = deque()
        self._held = 0
        self._next = 1
        self._waiting: set[asyncio.Future[None]] = set()
        self._waking: Timer | None = None
        self._woken_at = float("-inf")
        self._watches: set[Watch] = set()
        super().__init__(
            {
                TasksCreated: self._created,
                TasksDeleted: self._deleted,
                AttemptStarted: self._started,
                AttemptEnded: self._ended,
                TaskDied: self._died,
                QueueChanged: self._queue_changed,
                QueueDeleted: self._queue_deleted,
                AllDeleted: self._all_deleted,
            }
        )

    @property
    def last(self) -> int:
        """The number of the newest event, 0 before the first."""
        return self._next - 1

    def cursor(self, number: int) -> str:
        """The cursor of the event with this number."""
        return cursor_of(self._life, number)

    def read_cursor(self, cursor: str) -> int | None:
        """The number that a cursor names, None when it is of another life of the server. Raises InvalidArgument."""
        return read_cursor(cursor, self._life, self.last)

    def is_gone(self, number: int) -> bool:
        """Whether an event after the one with this number is no longer remembered."""
        oldest = self._entries[0].first if self._entries else self._next
        return number + 1 < oldest

    def after(self, number: int, limit: int) -> list[Happening]:
        """The first ``limit`` events after the one with this number, as far as they are remembered."""
        return self.wanted_after(number, limit, None)[0]

    def wanted_after(self, number: int, limit: int, wants: Wants | None) -> tuple[list[Happening], int]:
        """The first ``limit`` of them that are wanted, all with None, and the number up to which was looked. Events
        that nobody wants are not made, but passed by together: fifty watchers look at each.
        """
        unread: list[Entry] = []
        for entry in reversed(self._entries):
            if entry.first + size_of(entry) - 1 <= number:
                break
            unread.append(entry)
        found: list[Happening] = []
        seen = number
        for entry in reversed(unread):
            if wants is not None and not wants(entry):
                seen = entry.first + size_of(entry) - 1
                continue
            begin = max(0, number + 1 - entry.first)
            found += happenings(entry, begin, begin + limit - len(found))
            if found:
                seen = found[-1].number
            if len(found) >= limit:
                break
        return found, seen

    def backwards(self) -> Iterator[Entry]:
        """What is remembered now, the newest first."""
        return reversed(tuple(self._entries))

    @contextmanager
    def watch(self, cursor: str) -> Iterator[Watch]:
        """A watcher that begins after the cursor, with what comes next if it is empty.

        Raises InvalidArgument for what is no cursor, ResourceExhausted when there are too many watchers.
        """
        number = self.read_cursor(cursor) if cursor else self.last
        if len(self._watches) >= WATCHERS_MAX:
            for stalled in [each for each in self._watches if each.stalled]:
                self._watches.discard(stalled)
            if len(self._watches) >= WATCHERS_MAX:
                raise ResourceExhausted(f"{WATCHERS_MAX} callers watch events, which is the most there may be.")
        watch = Watch(self, self._machine, number)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    @property
    def watchers(self) -> int:
        """How many there are."""
        return len(self._watches)

    def watches(self, watch: Watch) -> bool:
        """Whether the watcher has kept its place."""
        return watch in self._watches

    async def wait(self, number: int, seconds: float) -> bool:
        """Wait until there is an event after the one with this number; False when none came in so many seconds."""
        if self.last > number:
            return True
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiter)
        timer = self._machine.call_later(seconds, partial(_wake, waiter))
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiting.discard(waiter)
        return self.last > number

    def gap(self) -> Happening:
        """The GAP before the oldest event that is remembered."""
        before = (self._entries[0].first if self._entries else self._next) - 1
        return Happening(before, self._now(), EventKind.GAP, None, NOTHING)

    def _add(self, kind: EventKind, queue: QueueName | None, details: Sequence[Detail], time: datetime) -> None:
        self._put(Group(self._next, time, kind, queue, details), len(details))

    def _put(self, entry: Entry, size: int = 1) -> None:
        entries = self._entries
        entries.append(entry)
        self._next += size
        held = self._held + size
        while held > self.size and held - (oldest := size_of(entries[0])) >= self.size:
            entries.popleft()
            held -= oldest
        self._held = held
        if self._waiting and self._waking is None:
            self._wake_in_time()

    def _wake_in_time(self) -> None:
        """Wake who waits for news: at once, but many watchers only so often."""
        many = len(self._watches)
        wait = 0.0 if many <= FEW else self._woken_at + many / WAKES_PER_SECOND - self._machine.monotonic()
        if wait > 0:
            self._waking = self._machine.call_later(wait, self._wake_all)
        else:
            self._wake_all()

    def _wake_all(self) -> None:
        self._waking = None
        self._woken_at = self._machine.monotonic()
        for waiter in self._waiting:
            _wake(waiter)
        self._waiting.clear()

    def _created(self, event: TasksCreated) -> None:
        self._add(TASK_CREATED, event.queue.name, [task.name for task in event.tasks], event.at)

    def _deleted(self, event: TasksDeleted) -> None:
        self._add(EventKind.TASK_DELETED, event.queue.name, event.queue.name.tasks(event.task_ids), event.at)

    def _started(self, event: AttemptStarted) -> None:
        task = event.task
        self._put(
            StartedAttempt(self._next, event.at, event.queue.name, task.name, task.dispatch_count, task.schedule_time)
        )

    def _ended(self, event: AttemptEnded) -> None:
        task, judgement = event.task, event.judgement
        target = task.target
        self._put(
            EndedAttempt(
                self._next,
                event.at,
                event.queue.name,
                task.name,
                task.dispatch_count,
                task.schedule_time,
                task.dispatched_at,
                event.outcome,
                event.took,
                judgement.task.schedule_time if type(judgement) is Retry else None,
                judgement is not None,
                _begun(target.url) if type(target) is HttpRequest else "",
            )
        )

    def _died(self, event: TaskDied) -> None:
        self._add(EventKind.TASK_DIED, event.queue, (GivenUp(event.task, event.reason, event.shelved),), event.at)

    def _queue_changed(self, event: QueueChanged) -> None:
        self._add(EventKind.QUEUE_CHANGED, event.queue, (event.change,), self._now())

    def _queue_deleted(self, event: QueueDeleted) -> None:
        self._add(EventKind.QUEUE_DELETED, event.queue, (NOTHING,), self._now())

    def _all_deleted(self, _event: AllDeleted) -> None:
        self._add(EventKind.RESET, None, (NOTHING,), self._now())


class Watch:
    """One who reads the ring from a place on."""

    def __init__(self, ring: EventRing, machine: MachineClock, number: int | None) -> None:
        """``number`` is that of the last event that is known, None when it was in another life of the server."""
        self._ring = ring
        self._machine = machine
        self._number = number or 0
        self._missed = number is None
        self._read_at = machine.monotonic()

    @property
    def unread(self) -> int:
        """How many events have happened since the last that was read."""
        return self._ring.last - self._number

    @property
    def stalled(self) -> bool:
        """Whether it does not read: it left too much unread for too long."""
        return self.unread > UNREAD_MAX and self._machine.monotonic() - self._read_at > STALLED

    async def turn(self) -> None:
        """Wait until one more event may be sent. This is no fault of who reads."""
        if await self._ring.deliveries.take(self._ring.watchers):
            self._read_at = self._machine.monotonic()

    def go_back_to(self, number: int) -> None:
        """Read what comes after the event with this number, again if it was read before."""
        self._number = number

    def read(self, limit: int, wants: Wants | None = None) -> list[Happening]:
        """The next events that are wanted, all with None, ``limit`` at most; a GAP first when some were missed. Call it
        as soon as the events that it gave last are sent.

        Raises ResourceExhausted when it did not read for too long.
        """
        if self.stalled or not self._ring.watches(self):
            cursor = self._ring.cursor(self._number)
            raise ResourceExhausted(
                f"More than {UNREAD_MAX} events were left unread for {STALLED:g} s. Go on from the cursor {cursor}."
            )
        self._read_at = self._machine.monotonic()
        found: list[Happening] = []
        if self._missed or self._ring.is_gone(self._number):
            self._missed = False
            gap = self._ring.gap()
            self._number = gap.number
            found.append(gap)
        wanted, self._number = self._ring.wanted_after(self._number, limit - len(found), wants)
        return found + wanted

    async def wait(self, seconds: float) -> bool:
        """Wait for another event; False when none came in so many seconds."""
        came = await self._ring.wait(self._number, seconds)
        self._read_at = self._machine.monotonic()
        return came


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _begun(url: str) -> str:
    """How a URL begins. What is cut off could be what shows that a secret stands before it."""
    return url if len(url) <= URL_KEPT else masked_url(url)[:URL_KEPT]
