"""Reads a history and finds every promise that was broken."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from datetime import datetime, timedelta

from tests.simulation.record import SECOND, Created, Finished, History, Started, short

from tidegate.core.backoff import backoff, limit_reached
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, State
from tidegate.core.throttle import RECOVERY, SLOWEST
from tidegate.engine.connection_budget import EVERY, SLICE

MICROSECOND = timedelta(microseconds=1)
EPSILON = 1e-6  # tokens; what adding floats in another order may differ by
ROUNDING = 2 * MICROSECOND  # of a timer's float
RATE_PAUSE = timedelta(milliseconds=10)  # the scheduler's, for a queue held back by its rate
PAUSE = timedelta(seconds=EVERY)  # until more connections may be opened
RETRY_AFTER_MAX = timedelta(hours=1)


class BrokenError(AssertionError):
    """A promise was broken; says which, and tells what happened before."""


class Checker:
    def __init__(self, history: History) -> None:
        self._history = history
        self._starts = sorted(start.at for starts in history.starts.values() for start in starts)

    def check(self) -> None:
        """Raise BrokenError for the first broken promise."""
        for name in self._history.settings:
            self._check_rate(name)
            self._check_concurrency(name)
            self._check_pauses(name)
            self._check_progress(name)
            self._check_throttle(name)
        for created in self._history.created.values():
            self._check_task(created)
        if self._history.unfinished:
            raise self._broken("tasks are left that nobody dispatches")

    # --- queues -------------------------------------------------------------------------------------------------------

    def _check_rate(self, name: QueueName) -> None:
        """In every window w: at most burst + rate x w + 1 dispatches.

        Said at once for all windows: a bucket that is filled like the queue's own never lacks more than one token.
        A slowed queue earns and holds less.
        """
        first = self._history.settings[name][0]
        limits, filled_at = first.queue.rate_limits, first.at
        level = float(limits.max_burst_size)
        steps: list[tuple[datetime, Queue | None, float]] = [
            (each.at, each.queue, self._history.factors[name, each.at]) for each in self._history.settings[name]
        ]
        steps += [(each.at, None, each.factor) for each in self._history.starts[name]]
        # A start in the very moment of a change may be of a claim before it; counted first it is right either way.
        for at, queue, factor in sorted(steps, key=lambda each: (each[0], each[1] is not None)):
            rate, burst = limits.max_dispatches_per_second, limits.max_burst_size
            if factor < 1:
                rate = max(rate * factor, min(rate, SLOWEST))
                burst = max(1, int(burst * factor))
            level = min(level + (at - filled_at) / SECOND * rate, burst)
            filled_at = at
            if queue is None:
                level -= 1
                if level < -1 - EPSILON:
                    raise self._broken(f"{name.queue}: more dispatches than its rate allows", name, until=at)
            else:
                limits = queue.rate_limits

    def _check_concurrency(self, name: QueueName) -> None:
        """No attempt starts beside as many as the queue allows; lowering the limit lets those under way end."""
        starts = [(each.at, 1) for each in self._history.starts[name]]
        ends = [(at, -1) for at in self._history.ends[name]]
        under_way = 0
        for at, change in sorted(starts + ends):
            under_way += change
            caps = [queue.rate_limits.max_concurrent_dispatches for queue in self._history.in_force(name, at, at)]
            if change > 0 and under_way > max(caps):
                raise self._broken(f"{name.queue}: {under_way} under way, {max(caps)} allowed", name, until=at)

    def _check_pauses(self, name: QueueName) -> None:
        """A paused queue dispatches nothing."""
        changes = self._history.settings[name]
        for each, following in zip(changes, [*changes[1:], None], strict=True):
            if each.queue.state is State.PAUSED:
                for start in self._history.starts[name]:
                    if start.at > each.at and (following is None or start.at < following.at):
                        raise self._broken(f"{name.queue} dispatches while it is paused", name, until=start.at)

    def _check_progress(self, name: QueueName) -> None:
        """A due task starts at once, or when its queue's rate, limit, pause or slowness lets it: no later.

        From the last thing that held it back, the next dispatch takes no longer than earning one token does.
        """
        starts = self._history.starts[name]
        ends = sorted(self._history.ends[name])
        for number, start in enumerate(starts):
            held = [start.due, start.at if number == 0 else starts[number - 1].at]
            if number == 0:
                held = [start.due]
            held += [each.at for each in self._history.settings[name] if each.at <= start.at][-1:]
            held += [at for at in self._history.boots if at <= start.at][-1:]
            created = self._history.created[start.task]
            held.append(created.at)
            since = max(held)
            settings = self._history.in_force(name, since, start.at)
            cap = min(queue.rate_limits.max_concurrent_dispatches for queue in settings)
            if sum(each.at < start.at for each in starts) - sum(at < start.at for at in ends) >= cap:
                since = max([since, *[at for at in ends if at <= start.at][-1:]])
            rate = min(queue.rate_limits.max_dispatches_per_second for queue in settings)
            if self._history.throttling:
                rate = min(rate, SLOWEST)
            longest = timedelta(seconds=1 / rate) + RATE_PAUSE + ROUNDING
            if self._is_free(start, ends):
                since, longest = max(start.due, created.at), ROUNDING
            if start.at - since > longest + self._opening(since, start.at):
                late = (start.at - since) / SECOND
                raise self._broken(f"task {short(start.task)} starts {late:.6f} s late", name, until=start.at)

    def _opening(self, since: datetime, until: datetime) -> timedelta:
        """How long others that started may have held an attempt back: only a few open connections at a time."""
        others = bisect_left(self._starts, until) - bisect_left(self._starts, since - PAUSE)
        return PAUSE * (1 + others // SLICE) if others else timedelta()

    def _is_free(self, start: Started, ends: list[datetime]) -> bool:
        """Whether nothing can have held the task back: its queue ran unchanged, unslowed and with tokens and room to
        spare, and nothing crashed.
        """
        history = self._history
        name, due = start.queue, start.due
        long_ago = due - 30 * SECOND
        changes = [each.at for each in history.settings[name]]
        if any(at >= due for at in changes if at <= start.at) or any(
            at >= due for at in history.boots if at <= start.at
        ):
            return False
        settings = history.in_force(name, due, start.at)
        if any(queue.state is State.PAUSED for queue in settings) or start.factor < 1:
            return False
        if any(long_ago <= at <= start.at for at in history.boots + changes):
            return False
        limits = settings[0].rate_limits
        recent = [each for each in history.starts[name] if long_ago <= each.at <= start.at]
        under_way = len([each for each in history.starts[name] if each.at <= start.at]) - sum(at < due for at in ends)
        unslowed = all(each.factor == 1 for each in recent)
        return unslowed and len(recent) < limits.max_burst_size and under_way < limits.max_concurrent_dispatches

    def _check_throttle(self, name: QueueName) -> None:
        """After a 429 or 503 the queue is slowed by half, and no sooner faster than it recovers; only then."""
        asked = sorted(
            each.at for each in self._history.finished.values() if each.queue == name and each.status in {429, 503}
        )
        failed = sorted(
            each.at
            for each in self._history.finished.values()
            if each.queue == name and (each.status >= 500 or not each.status)
        )
        for start in self._history.starts[name]:
            before = [at for at in asked if at < start.at]
            if not self._history.throttling:
                if start.factor != 1:
                    raise self._broken(f"{name.queue} is slowed though throttling is off", name, until=start.at)
            elif before and before[-1] not in self._history.crashes:
                most = 0.5 * RECOVERY ** ((start.at - before[-1]) / SECOND + 1)
                if start.factor > min(1.0, most) + EPSILON:
                    raise self._broken(f"{name.queue} is not slowed after a 429 or 503", name, until=start.at)
            if start.factor < 1 and not any(at <= start.at for at in asked + failed):
                raise self._broken(f"{name.queue} is slowed without a cause", name, until=start.at)

    # --- tasks --------------------------------------------------------------------------------------------------------

    def _check_task(self, created: Created) -> None:
        attempts = self._history.attempts[created.task]
        if not attempts:
            raise self._wrong(created, "was never dispatched", None)
        if attempts[0].due != created.due:
            raise self._wrong(created, "was told another time than it was created with", attempts[0].at)
        for each in attempts:
            if each.at < each.due:
                raise self._wrong(created, f"was early in its attempt {each.attempt}", each.at)
        if [each.attempt for each in attempts] != list(range(1, len(attempts) + 1)) and not self._history.crashes:
            raise self._wrong(created, "has attempts with wrong numbers", attempts[-1].at)
        for one, following in itertools.pairwise(attempts):
            self._check_retry(created, one, following)
        self._check_end(created, attempts)

    def _check_retry(self, created: Created, one: Started, following: Started) -> None:
        ended = self._history.finished.get((one.task, one.attempt))
        # What ended in the very moment of a crash may be recorded or not.
        crashed = any(one.at <= crash <= (ended.at if ended else following.at) for crash in self._history.crashes)
        if ended is None or crashed:
            if not crashed:
                raise self._wrong(created, f"attempt {one.attempt} neither ended nor crashed", following.at)
            return
        if 200 <= ended.status <= 299:
            raise self._wrong(created, "was delivered and dispatched again", following.at)
        waits = {
            self._wait(one.attempt, queue, ended) for queue in self._history.in_force(one.queue, ended.at, ended.at)
        }
        waited = following.due - ended.at
        if waited not in waits:
            lost = any(ended.at < crash <= following.at for crash in self._history.crashes)
            if not lost or following.due > following.at:  # a claim that a crash lost is due at once
                wanted = " or ".join(f"{wait / SECOND:g}" for wait in sorted(waits))
                raise self._wrong(
                    created, f"waits {waited / SECOND:g} s after attempt {one.attempt}, not {wanted} s", following.at
                )

    @staticmethod
    def _wait(attempt: int, queue: Queue, ended: Finished) -> timedelta:
        wait = backoff(attempt, queue.retry_config)
        if ended.status in {429, 503} and ended.retry_after is not None:
            wait = max(wait, min(ended.retry_after, RETRY_AFTER_MAX))
        return wait

    def _check_end(self, created: Created, attempts: list[Started]) -> None:
        last = self._history.finished.get((created.task, attempts[-1].attempt))
        if last is None:
            raise self._wrong(created, f"vanished in its attempt {attempts[-1].attempt}", None)
        if not 200 <= last.status <= 299 and not self._history.unfinished:
            retries = [queue.retry_config for queue in self._history.in_force(last.queue, last.at, last.at)]
            since = last.at - attempts[0].at
            if not any(limit_reached(last.attempt, since + MICROSECOND, retry) for retry in retries):
                raise self._wrong(created, f"was given up after {last.attempt} attempts", None)

    # --- what to say --------------------------------------------------------------------------------------------------

    def _wrong(self, created: Created, what: str, until: datetime | None) -> BrokenError:
        return self._broken(f"task {short(created.task)} {what}", created.queue, created.task, until)

    def _broken(
        self, what: str, queue: QueueName | None = None, task: str | None = None, until: datetime | None = None
    ) -> BrokenError:
        return BrokenError(f"{what}\n{self._history.story(queue, task, until)}")
