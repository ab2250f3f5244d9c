"""What happened in a run, in order, and its story told in a few lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.simulation.virtual_time import START

from tidegate.core.names import QueueName
from tidegate.core.queue import Queue

SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Created:
    at: datetime
    queue: QueueName
    task: str
    due: datetime


@dataclass(frozen=True)
class Started:
    """An attempt reached the network. ``due`` is what it was told; ``factor`` how far its queue was slowed."""

    at: datetime
    queue: QueueName
    task: str
    attempt: int
    due: datetime
    factor: float


@dataclass(frozen=True)
class Finished:
    at: datetime
    queue: QueueName
    task: str
    attempt: int
    status: int
    retry_after: timedelta | None


@dataclass(frozen=True)
class Set:
    """New settings of a queue, from this moment on."""

    at: datetime
    queue: Queue


@dataclass
class History:
    created: dict[str, Created] = field(default_factory=dict)
    attempts: dict[str, list[Started]] = field(default_factory=lambda: defaultdict(list))
    finished: dict[tuple[str, int], Finished] = field(default_factory=dict)
    starts: dict[QueueName, list[Started]] = field(default_factory=lambda: defaultdict(list))
    ends: dict[QueueName, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    settings: dict[QueueName, list[Set]] = field(default_factory=lambda: defaultdict(list))
    factors: dict[tuple[QueueName, datetime], float] = field(default_factory=dict)
    """How far a queue was slowed when its settings changed."""
    crashes: list[datetime] = field(default_factory=list)
    boots: list[datetime] = field(default_factory=list)
    throttling: bool = True
    unfinished: bool = False

    def sets(self, name: QueueName, at: datetime, queue: Queue, factor: float) -> None:
        self.settings[name].append(Set(at, queue))
        self.factors[name, at] = factor

    def in_force(self, name: QueueName, start: datetime, end: datetime) -> list[Queue]:
        """All settings the queue had between two moments, both included."""
        changes = self.settings[name]
        before = [each.queue for each in changes if each.at < start][-1:]
        return before + [each.queue for each in changes if start <= each.at <= end] or [changes[0].queue]

    def story(self, queue: QueueName | None, task: str | None, until: datetime | None, lines: int = 30) -> str:
        """The last lines of what happened to a queue, or to one task of it, up to a moment."""
        told = sorted(self._lines(queue, task), key=lambda each: each[0])
        told = [each for each in told if until is None or each[0] <= until]
        left_out = [f"  ({len(told) - lines} lines before)"] if len(told) > lines else []
        return "\n".join(left_out + [f"  {seconds(at):>12} {text}" for at, text in told[-lines:]])

    def _lines(self, queue: QueueName | None, task: str | None) -> Iterator[tuple[datetime, str]]:
        yield from ((at, "CRASH") for at in self.crashes)
        yield from ((at, "boot") for at in self.boots)
        for name, changes in self.settings.items():
            if queue in {None, name}:
                yield from ((each.at, f"{name.queue}: {settings_text(each.queue)}") for each in changes)
        for made in self.created.values():
            if queue in {None, made.queue} and task in {None, made.task}:
                yield made.at, f"task {short(made.task)} created in {made.queue.queue}, due {seconds(made.due)}"
        for name, starts in self.starts.items():
            for each in starts:
                if queue in {None, name} and task in {None, each.task}:
                    slowed = f", slowed to {each.factor:.3f}" if each.factor < 1 else ""
                    yield each.at, f"task {short(each.task)} attempt {each.attempt}, due {seconds(each.due)}{slowed}"
        for end in self.finished.values():
            if queue in {None, end.queue} and task in {None, end.task}:
                asked = f", retry after {end.retry_after / SECOND:g} s" if end.retry_after else ""
                yield end.at, f"task {short(end.task)} attempt {end.attempt} ends: {end.status or 'no answer'}{asked}"


def settings_text(queue: Queue) -> str:
    rate, retry = queue.rate_limits, queue.retry_config
    return (
        f"{queue.state.name} {rate.max_dispatches_per_second:g}/s burst {rate.max_burst_size}"
        f" at once {rate.max_concurrent_dispatches}; attempts {retry.max_attempts}"
        f" within {retry.max_retry_duration.total_nanos / 1e9:g} s, backoff {retry.min_backoff.total_nanos / 1e9:g} to"
        f" {retry.max_backoff.total_nanos / 1e9:g} s, {retry.max_doublings} doublings"
    )


def seconds(at: datetime) -> str:
    """Since the run began."""
    return f"{(at - START) / SECOND:.6f}"


def short(task: str) -> str:
    return task.lstrip("0") or task
