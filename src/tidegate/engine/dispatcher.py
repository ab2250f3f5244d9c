"""One attempt from claim to record: compose the call, send it, judge what came back, write it down."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.bucket import Flow
from tidegate.core.lifecycle import Gone, Judgement, Outcome, judge
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.target import HttpCall, compose
from tidegate.core.task import Task
from tidegate.engine.batching import Batcher
from tidegate.engine.body_budget import FORCED_BULK, Bulk
from tidegate.engine.connection_budget import Opening, handler_of
from tidegate.engine.executions import Executions
from tidegate.engine.ports.events import AttemptEnded, AttemptStarted
from tidegate.engine.ports.store import Settlement, StoredQueue, StoreError, Transaction, Verdict
from tidegate.engine.ports.world import MintError, World

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 20_000
"""Attempts under way in this process at most, over all queues: four queues at their ceiling of 5,000."""

RECORDED_AT_ONCE = 512
"""Ended attempts in one transaction at most: when thousands end at once, claims of other queues come in between."""

PAUSE_AFTER_ERROR = 1.0
"""Seconds until ended attempts are recorded again when the store could not commit them."""

NO_TOKEN_OVER_HTTP = Outcome(forbidden=True, reason="tokens are sent to https URLs only")


class Ended(Struct, frozen=True):
    """An attempt that is over. ``queue_id`` tells the queue from another that took its name meanwhile."""

    queue: Queue
    queue_id: int
    task: Task
    outcome: Outcome
    took: timedelta
    at: datetime


class Settled(Struct, frozen=True):
    """What recording did in one queue: the earliest retry, if any."""

    queue: QueueName
    retry_at: datetime | None


class Records(Struct, frozen=True):
    """What recording did, queue by queue, and what became of the task of each attempt, in the order of these: None
    where the outcome did not count.
    """

    settled: list[Settled]
    judgements: list[Judgement | None]


def settle(tx: Transaction, ended: Sequence[Ended], *, throttling: bool) -> Records:
    """Record ended attempts: decide what becomes of each task and free its place among those under way."""
    by_queue: defaultdict[tuple[QueueName, int], list[int]] = defaultdict(list)
    for place, each in enumerate(ended):
        by_queue[each.queue.name, each.queue_id].append(place)
    judgements: list[Judgement | None] = [None] * len(ended)
    told: list[Verdict | None] = [None] * len(ended)
    settlements: list[Settlement] = []
    flows: list[tuple[StoredQueue, Flow]] = []
    settled = []
    for (name, queue_id), its_places in by_queue.items():
        stored = tx.queue(name)
        if stored is None or stored.id != queue_id:
            continue  # deleted meanwhile, tasks and all
        group = [ended[place] for place in its_places]
        verdicts = []
        retry_at: datetime | None = None
        for place, each in zip(its_places, group, strict=True):
            judgement = judgements[place] = judge(each.task, stored.queue, each.outcome, each.at)
            retry = None if isinstance(judgement, Gone) else judgement.task
            verdict = told[place] = Verdict(each.task, retry)
            verdicts.append(verdict)
            if retry is not None and (retry_at is None or retry.schedule_time < retry_at):
                retry_at = retry.schedule_time
        latest = max(each.at for each in group)
        settlements.append(Settlement(stored, verdicts, latest + stored.queue.tombstone_ttl))
        flow = stored.flow.ended(len(group))
        if throttling:
            answers = [(each.task.target, each.outcome) for each in group]
            flow = replace(flow, throttle=flow.throttle.after(answers, latest))
        flows.append((stored, flow))
        settled.append(Settled(name, retry_at))
    stale = tx.settle(settlements)
    if stale:
        ignored = set(map(id, stale))
        judgements = [
            None if id(verdict) in ignored else judgement for verdict, judgement in zip(told, judgements, strict=True)
        ]
    tx.save_flows(flows)
    return Records(settled, judgements)


def forget(tx: Transaction, ended: Sequence[Ended]) -> Records:
    """Free the places of ended attempts without recording them. Their tasks stay dispatched until the next start."""
    freed = []
    for each in ended:
        stored = tx.queue(each.queue.name)
        if stored is not None and stored.id == each.queue_id:
            tx.save_flows([(stored, stored.flow.ended(1))])
            freed.append(Settled(each.queue.name, None))
    return Records(freed, [None] * len(ended))


class Dispatcher:
    """Runs attempts, each in a task of its own, and records their outcomes in batches."""

    def __init__(
        self,
        world: World,
        recorded: Callable[[QueueName, datetime | None], None],
        roomier: Callable[[], None],
        app_engine: Mapping[str, str],
        *,
        throttling: bool,
        https_tokens: bool,
    ) -> None:
        """``recorded(queue, retry_at)`` is told of each queue whose attempts were recorded, ``roomier()`` of long ones
        that were.
        """
        self.bulk = Bulk()
        self.executions = Executions()
        self.opening = Opening()
        self._store = world.store
        self._clock = world.clock
        self._events = world.events
        self._sender = world.sender
        self._mint = world.mint
        self._recorded = recorded
        self._roomier = roomier
        self._app_engine = app_engine
        self._settle = partial(settle, throttling=throttling)
        self._https_tokens = https_tokens
        self._warned = False
        self._attempts: dict[int, asyncio.Task[None]] = {}
        self._numbers = count()
        self._records: Batcher[Ended, None] = Batcher(self._record)
        self._leaving = False

    def room(self) -> int:
        """How many more attempts may start now."""
        return MOST_ATTEMPTS - len(self._attempts)

    def dispatch(self, queue: Queue, queue_id: int, tasks: Sequence[Task]) -> None:
        """Start attempts of tasks that the store has marked as dispatched."""
        start = asyncio.get_running_loop().create_task  # to ask for the loop is a system call
        for each in tasks:
            task = each
            if not task.bulk and len(task.body) > FORCED_BULK:  # forced: no claim has weighed it
                task = replace(task, bulk=len(task.body))
            if task.bulk:
                self.bulk.hold(queue.name, task.bulk)
            handler = handler_of(queue, task)
            self.opening.started(queue.name, handler)
            number = next(self._numbers)
            self._attempts[number] = start(self._attempt(number, queue, queue_id, task, handler))

    async def drain(self, patience: timedelta) -> int:
        """Wait for the attempts under way and record them; cut off those that outlast ``patience``.

        Returns how many were cut off. Their tasks are due again when the server starts next, and so are those whose
        outcomes the store does not take now.
        """
        if self._attempts:
            await asyncio.wait(self._attempts.values(), timeout=patience.total_seconds())
        cut = list(self._attempts.values())
        for attempt in cut:
            attempt.cancel()
        if cut:
            await asyncio.wait(cut)
        self._leaving = True
        await self._records.drained()
        return len(cut)

    async def _attempt(self, number: int, queue: Queue, queue_id: int, task: Task, handler: str) -> None:
        try:
            started = self._clock.monotonic()
            self._events.emit(AttemptStarted(queue, task, self._clock.now()))
            outcome = await self._outcome(queue, task)
            self.opening.ended(queue.name, handler, answered=outcome.answered)
            now = self._clock.now()
            took = timedelta(seconds=self._clock.monotonic() - started)
            self._records.add(Ended(queue, queue_id, task, outcome, took, now))
        finally:
            del self._attempts[number]  # a callback for it would cost a microsecond

    async def _outcome(self, queue: Queue, task: Task) -> Outcome:
        try:
            call = compose(task, queue, self._app_engine)
            if not isinstance(call, HttpCall):
                return Outcome(reason=call.reason)
            if call.token is None:
                return await self._sender.send(call, None)
            if not self._may_carry_tokens(call.url):
                return NO_TOKEN_OVER_HTTP
            return await self._sender.send(call, await self._mint.authorization(call.token))
        except MintError as error:
            return Outcome(reason=f"no token: {error}")
        except Exception:
            logger.exception("an attempt of %s failed here, not at its handler", task.name)
            return Outcome(reason="internal error")

    def _may_carry_tokens(self, url: str) -> bool:
        """Whether a token may go there: a task's own URL was looked at when it was created, where its queue's routing
        leads may be another.
        """
        if url.startswith("https://"):
            return True
        if not self._https_tokens and not self._warned:
            self._warned = True
            logger.warning("tokens are sent to http URLs, where others may read them; --token-urls https forbids it")
        return not self._https_tokens

    async def _record(self, ended: Sequence[Ended]) -> Sequence[None]:
        for start in range(0, len(ended), RECORDED_AT_ONCE):
            together = ended[start : start + RECORDED_AT_ONCE]
            try:
                await self._record_together(together)
            except Exception:  # nobody waits who could be told
                logger.exception("recording %d attempts failed", len(together))
        return ()

    async def _record_together(self, ended: Sequence[Ended]) -> None:
        answered = Counter([each.queue.name for each in ended if each.outcome.answered])
        self.executions.add(answered, self._clock.monotonic())
        records = await self._write(ended, self._settle)
        long = [each for each in ended if each.task.bulk]
        for each in long:
            self.bulk.release(each.queue.name, each.task.bulk)
        for queue in records.settled:
            self._recorded(queue.queue, queue.retry_at)
        if long:
            self._roomier()
        for each, judgement in zip(ended, records.judgements, strict=True):
            self._events.emit(AttemptEnded(each.queue, each.task, each.outcome, judgement, each.took, each.at))

    async def _write(self, ended: Sequence[Ended], work: Callable[[Transaction, Sequence[Ended]], Records]) -> Records:
        """Have attempts recorded by ``work``. Those that it cannot record are forgotten, so that they hold nothing."""
        while True:
            try:
                return await self._store.write(lambda tx: work(tx, ended))
            except StoreError as error:  # the outcomes are known: keep them until the store takes them
                logger.warning("cannot record %d attempts: %s", len(ended), error)
                if self._leaving:
                    return Records([], [None] * len(ended))
                await self._clock.sleep(PAUSE_AFTER_ERROR)
            except Exception:
                if len(ended) > 1:
                    logger.exception("cannot record %d attempts together", len(ended))
                    apart = [await self._write([each], work) for each in ended]
                    return Records(
                        [settled for each in apart for settled in each.settled],
                        [judgement for each in apart for judgement in each.judgements],
                    )
                name = ended[0].task.name
                if work is forget:
                    logger.exception("cannot free the place of an attempt of %s", name)
                    return Records([], [None])
                logger.exception("cannot record an attempt of %s; its task is due again at the next start", name)
                return await self._write(ended, forget)
