"""What became of attempts, written down: ended attempts are recorded in batches, whatever the store says to it."""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from tidegate.core.attempt_record import ATTEMPTS_SIZE_MAX, Exchange
from tidegate.core.lifecycle import Gone, Judgement, Outcome, judge
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import Task
from tidegate.engine.batching import Batcher
from tidegate.engine.executions import Executions
from tidegate.engine.ports.events import AttemptEnded, TaskDied
from tidegate.engine.ports.shelf import KeptAttempt
from tidegate.engine.ports.store import (
    EndedAttempts,
    FencedError,
    StoredQueue,
    StoreError,
    Transaction,
    Verdict,
)
from tidegate.engine.ports.world import World
from tidegate.engine.shelving import USUAL, Shelving, gives_up, leaves_something
from tidegate.engine.under_way import UnderWay

logger = logging.getLogger(__name__)

RECORDED_AT_ONCE = 512
"""Ended attempts in one transaction at most: when thousands end at once, claims of other queues come in between."""

PAUSE_AFTER_ERROR = 1.0
"""Seconds until ended attempts are recorded again when the store could not commit them."""


class Ended(Struct, frozen=True):
    """An attempt that is over. ``queue_id`` tells the queue from another that took its name meanwhile; ``exchange`` is
    what was seen of an attempt that is to be kept.
    """

    queue: Queue
    queue_id: int
    task: Task
    outcome: Outcome
    took: timedelta
    at: datetime
    forced: bool = False
    exchange: Exchange | None = None


class RecordedQueue(Struct, frozen=True):
    """A queue of which attempts were recorded. ``retry_at`` is the earliest retry among them, None without any or
    where it is not dispatched now.
    """

    queue: QueueName
    retry_at: datetime | None


class RecordedBatch(Struct, frozen=True):
    """What recording did, queue by queue, and what became of the task of each attempt, in the order of these: None
    where the outcome did not count. ``died`` are the tasks that were given up.
    """

    queues: list[RecordedQueue]
    judgements: list[Judgement | None]
    died: Sequence[TaskDied] = ()


def record(tx: Transaction, ended: Sequence[Ended], *, throttling: bool, shelving: Shelving = USUAL) -> RecordedBatch:
    """Record ended attempts: decide what becomes of each task and free its place among those under way."""
    judgements: list[Judgement | None] = [None] * len(ended)
    told: list[Verdict | None] = [None] * len(ended)
    attempts: list[EndedAttempts] = []
    keeping: list[tuple[StoredQueue, list[int], set[str]]] = []
    recorded = []
    for stored, its_places in _by_queue(tx, ended):
        group = [ended[place] for place in its_places]
        verdicts = []
        retry_at: datetime | None = None
        leaves = False  # whether something of its attempts is to be kept
        for place, each in zip(its_places, group, strict=True):
            judgement = judgements[place] = judge(each.task, stored.queue, each.outcome, each.at)
            retry = None if isinstance(judgement, Gone) else judgement.task
            verdict = told[place] = Verdict(each.task, retry)
            verdicts.append(verdict)
            leaves = leaves or leaves_something(each, judgement)
            if retry is not None and (retry_at is None or retry.schedule_time < retry_at):
                retry_at = retry.schedule_time
        if leaves:
            dying = [each.task for place, each in zip(its_places, group, strict=True) if gives_up(judgements[place])]
            keeping.append((stored, its_places, tx.still_under_way(dying)))
        latest = max(each.at for each in group)
        tombstones_until = latest + stored.queue.tombstone_ttl
        answers = [(each.task.target, each.outcome) for each in group] if throttling else ()
        attempts.append(EndedAttempts(stored, verdicts, len(group), tombstones_until, latest, answers))
        recorded.append(RecordedQueue(stored.queue.name, retry_at if stored.queue.dispatches else None))
    stale = tx.ended(attempts)
    if stale:
        ignored = set(map(id, stale))
        judgements = [
            None if id(verdict) in ignored else judgement for verdict, judgement in zip(told, judgements, strict=True)
        ]
    died: list[TaskDied] = []
    kept: list[KeptAttempt] = []
    for stored, its_places, there in keeping:
        told_of = [(ended[place], judgements[place]) for place in its_places]
        died += shelving.ended(tx, stored, told_of, there, kept)
    tx.keep_attempts(kept, ATTEMPTS_SIZE_MAX)
    return RecordedBatch(recorded, judgements, died)


def forget(tx: Transaction, ended: Sequence[Ended]) -> RecordedBatch:
    """Free the places of ended attempts without recording them. Their tasks stay dispatched until the next start."""
    freed = []
    for each in ended:
        stored = tx.queue(each.queue.name)
        if stored is not None and stored.id == each.queue_id:
            tx.ended([EndedAttempts(stored, (), 1, each.at, each.at)])
            freed.append(RecordedQueue(each.queue.name, None))
    return RecordedBatch(freed, [None] * len(ended))


def keep_cut_off(tx: Transaction, *, ended: Sequence[Ended], shelving: Shelving) -> None:
    """Keep attempts that were cut off, of the tasks that are there. Nothing else of the tasks changes."""
    kept: list[KeptAttempt] = []
    for stored, its_places in _by_queue(tx, ended):
        kept += shelving.cut_off(tx, stored, [ended[place] for place in its_places])
    tx.keep_attempts(kept, ATTEMPTS_SIZE_MAX)


def _by_queue(tx: Transaction, ended: Sequence[Ended]) -> Iterator[tuple[StoredQueue, list[int]]]:
    """Each queue of the attempts, with their places in ``ended``; not those deleted meanwhile, tasks and all."""
    by_queue: defaultdict[tuple[QueueName, int], list[int]] = defaultdict(list)
    for place, each in enumerate(ended):
        by_queue[each.queue.name, each.queue_id].append(place)
    for (name, queue_id), places in by_queue.items():
        stored = tx.queue(name)
        if stored is not None and stored.id == queue_id:
            yield stored, places


class Recorder:
    """Records ended attempts, a batch at a time, and gives back what they held."""

    def __init__(
        self,
        world: World,
        under_way: UnderWay,
        executions: Executions,
        recorded: Callable[[QueueName, datetime | None], None],
        roomier: Callable[[], None],
        *,
        throttling: bool,
        shelving: Shelving,
    ) -> None:
        """``recorded(queue, retry_at)`` is told of each queue whose attempts were recorded, ``roomier()`` that long
        ones were: others have room.
        """
        self._store = world.store
        self._machine = world.machine
        self._events = world.events
        self._under_way = under_way
        self._executions = executions
        self._recorded = recorded
        self._roomier = roomier
        self._shelving = shelving
        self._record_each = partial(record, throttling=throttling, shelving=shelving)
        self._life = 0
        self._batches = self._new_batches()
        self._leaving = False
        self._cut_off: list[Ended] = []

    def add(self, ended: Ended) -> None:
        """Record this attempt, together with others that end now."""
        self._batches.add(ended)

    def forget(self) -> None:
        """The node's life is over: what was not recorded by now never is. Its tasks are other nodes'."""
        self._life += 1
        self._batches = self._new_batches()

    def drop(self, ended: Ended) -> None:
        """This attempt is not recorded; give back what it held."""
        self._give_back([ended], [None])

    def cut_off(self, ended: Ended) -> None:
        """This attempt was cut off. Its task stays as it is, to be due again; the attempt is kept by ``drained``."""
        self._cut_off.append(ended)

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be recorded or is being recorded."""
        return self._batches.idle

    async def drained(self) -> None:
        """Wait until all is recorded. What the store does not take now is due again at the next start."""
        self._leaving = True
        await self._batches.drained()
        await self._keep_cut_off()

    async def _keep_cut_off(self) -> None:
        cut, self._cut_off = self._cut_off, []
        for start in range(0, len(cut), RECORDED_AT_ONCE):
            together = cut[start : start + RECORDED_AT_ONCE]
            try:
                await self._store.write(partial(keep_cut_off, ended=together, shelving=self._shelving))
            except StoreError as error:
                logger.warning("cannot keep %d attempts that were cut off: %s", len(cut) - start, error)
                return
            except Exception:  # it must not hold up the end of the server
                logger.exception("cannot keep %d attempts that were cut off", len(together))

    def _new_batches(self) -> Batcher[Ended, None]:
        return Batcher(partial(self._record, life=self._life))

    async def _record(self, ended: Sequence[Ended], life: int) -> Sequence[None]:
        for start in range(0, len(ended), RECORDED_AT_ONCE):
            together = ended[start : start + RECORDED_AT_ONCE]
            try:
                await self._record_together(together, life)
            except Exception:  # nobody waits who could be told
                logger.exception("recording %d attempts failed", len(together))
        return ()

    async def _record_together(self, ended: Sequence[Ended], life: int) -> None:
        answered = Counter([each.queue.name for each in ended if each.outcome.answered])
        self._executions.add(answered, self._machine.monotonic())
        recorded = await self._write(ended, self._record_each, life)
        for queue in recorded.queues:
            self._recorded(queue.queue, queue.retry_at)
        self._give_back(ended, recorded.judgements)
        for death in recorded.died:
            self._events.emit(death)

    def _give_back(self, ended: Sequence[Ended], judgements: Sequence[Judgement | None]) -> None:
        long = [each for each in ended if each.task.bulk]
        for each in long:
            self._under_way.bodies.release(each.queue.name, each.task.bulk)
        if long:
            self._roomier()
        for each, judgement in zip(ended, judgements, strict=True):
            self._events.emit(AttemptEnded(each.queue, each.task, each.outcome, judgement, each.took, each.at))

    async def _write(
        self, ended: Sequence[Ended], work: Callable[[Transaction, Sequence[Ended]], RecordedBatch], life: int
    ) -> RecordedBatch:
        """Have attempts recorded by ``work``. Those that it cannot record are forgotten, so that they hold nothing."""
        while life == self._life:
            try:
                return await self._store.write(lambda tx: work(tx, ended))
            except FencedError:  # the tasks are another node's by now
                return RecordedBatch([], [None] * len(ended))
            except StoreError as error:  # the outcomes are known: keep them until the store takes them
                logger.warning("cannot record %d attempts: %s", len(ended), error)
                if self._leaving:
                    return RecordedBatch([], [None] * len(ended))
                await self._machine.sleep(PAUSE_AFTER_ERROR)
            except Exception:
                if len(ended) > 1:
                    logger.exception("cannot record %d attempts together", len(ended))
                    apart = [await self._write([each], work, life) for each in ended]
                    return RecordedBatch(
                        [queue for each in apart for queue in each.queues],
                        [judgement for each in apart for judgement in each.judgements],
                        [death for each in apart for death in each.died],
                    )
                name = ended[0].task.name
                about = {"task": name}
                if work is forget:
                    logger.exception("cannot free the place of an attempt of %s", name, extra=about)
                    return RecordedBatch([], [None])
                text = "cannot record an attempt of %s; its task is due again at the next start"
                logger.exception(text, name, extra=about)
                return await self._write(ended, forget, life)
        return RecordedBatch([], [None] * len(ended))
