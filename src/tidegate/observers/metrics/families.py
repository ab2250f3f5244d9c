"""Everything that was counted, as metric families of prometheus-client: this module alone imports it.

Names end in their unit, counters in ``_total``. Labels take a bounded number of values: ``SHOWN_MOST`` queues, and
``OTHER`` for the rest.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import Any, Final, NamedTuple, Protocol

import prometheus_client
import prometheus_client.openmetrics.exposition
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from tidegate.core.histogram import Histogram
from tidegate.core.names import QueueName
from tidegate.core.stats import QueueStats
from tidegate.engine.ports.store_figures import StoreFigures
from tidegate.observers.metrics.counts import Counts, QueueCounts

SHOWN_MOST: Final = 200
"""Queues with series of their own. A page with so many has some 10,000 lines; Prometheus keeps each for weeks."""

OTHER: Final = "_other"
"""The label of all queues without series of their own. No queue can have this name."""


class MethodCounts(Protocol):
    """The calls of one method, by code, and their durations in seconds."""

    codes: Counter[str]
    durations: Histogram


class Calls(Protocol):
    """Calls by method, as the servers of each transport name it."""

    @property
    def grpc(self) -> Mapping[str, MethodCounts]: ...
    @property
    def rest(self) -> Mapping[str, MethodCounts]: ...


class Commits(Protocol):
    """Commits of the store: jobs in each, seconds of each, and how many failed."""

    jobs: Histogram
    seconds: Histogram
    failed: int


def shown(counts: Counts) -> list[str]:
    """The queues with series of their own: of those that were active within a day the first that were."""
    return list(islice(counts.queues, SHOWN_MOST))


class Nodes(Protocol):
    """The nodes of a shared store as this one sees them: how many live, how many it took over, how often it joined
    anew.
    """

    @property
    def living(self) -> int: ...
    @property
    def taken_over(self) -> int: ...
    @property
    def rejoined(self) -> int: ...


class Snapshot(NamedTuple):
    """What a page is made of. ``queues`` has the present state of the queues that are ``shown``, ``shelved`` how many
    dead tasks each of them keeps, ``in_flight`` the attempts under way in this process, ``ready`` whether calls are
    answered.
    """

    now: datetime
    version: str
    store: str
    ready: bool
    counts: Counts
    queues: Mapping[QueueName, QueueStats]
    in_flight: Counter[QueueName]
    calls: Calls
    commits: Commits | None
    figures: StoreFigures | None = None
    shelved: Mapping[QueueName, int] = {}
    nodes: Nodes | None = None


def text(snapshot: Snapshot, *, openmetrics: bool) -> bytes:
    """All series as Prometheus reads them, in its own format or as OpenMetrics."""
    write = (
        prometheus_client.openmetrics.exposition.generate_latest if openmetrics else prometheus_client.generate_latest
    )
    return write(_Everything(snapshot))


def every_family(snapshot: Snapshot) -> Iterator[Metric]:
    """All families, in the order of the page."""
    yield from _events(snapshot)
    yield from _present(snapshot)
    yield from _calls(snapshot.calls)
    if snapshot.commits is not None:
        yield from _commits(snapshot.commits)
    if snapshot.figures is not None:
        yield from _figures(snapshot.figures)
    if snapshot.nodes is not None:
        yield from _nodes(snapshot.nodes)
    yield from _process(snapshot)


class _Everything(Collector):
    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Metric]:
        return every_family(self._snapshot)


def _events(snapshot: Snapshot) -> Iterator[Metric]:
    """What happened in each queue since the start."""
    every = list(snapshot.counts.queues.items())
    other = QueueCounts()
    other.take_in([snapshot.counts.other, *(counts for _, counts in every[SHOWN_MOST:])])
    queues = [*sorted(every[:SHOWN_MOST], key=itemgetter(0)), (OTHER, other)]

    def counter(name: str, says: str, value: Callable[[QueueCounts], int]) -> Metric:
        family = CounterMetricFamily(f"tidegate_{name}", says, labels=["queue"])
        for queue, counts in queues:
            family.add_metric([queue], value(counts))
        return family

    def by(name: str, says: str, label: str, values: Callable[[QueueCounts], Counter[str]]) -> Metric:
        family = CounterMetricFamily(f"tidegate_{name}", says, labels=["queue", label])
        for queue, counts in queues:
            for key, count in sorted(values(counts).items()):
                family.add_metric([queue, key], count)
        return family

    def histogram(name: str, says: str, value: Callable[[QueueCounts], Histogram]) -> Metric:
        return _histogram(name, says, ["queue"], (([queue], value(counts)) for queue, counts in queues))

    yield counter("tasks_created", "Tasks created.", lambda counts: counts.created)
    yield counter("attempts_started", "Attempts that started.", lambda counts: counts.started)
    yield by(
        "attempts", "Attempts that ended, by the canonical code of their outcome.", "code", lambda counts: counts.ended
    )
    yield by(
        "tasks_given_up",
        "Tasks whose last attempt failed, by the limit of the retry config that ended them.",
        "limit",
        lambda counts: counts.given_up,
    )
    yield by(
        "tasks_died",
        "Tasks that were given up, by the reason; most lie on the shelf of their queue.",
        "reason",
        lambda counts: counts.died,
    )
    yield counter("tasks_leased", "Leases of tasks of pull queues.", lambda counts: counts.leased)
    yield counter(
        "tasks_acknowledged", "Leased tasks that their workers were done with.", lambda counts: counts.acknowledged
    )
    yield histogram(
        "attempt_delay_seconds", "How long after its schedule time an attempt started.", lambda counts: counts.delays
    )
    yield histogram("attempt_duration_seconds", "How long an attempt took.", lambda counts: counts.durations)


def _present(snapshot: Snapshot) -> Iterator[Metric]:
    """How each queue stands now."""
    flying = GaugeMetricFamily("tidegate_attempts_in_flight", "Attempts under way in this process.", labels=["queue"])
    queues = sorted(shown(snapshot.counts))
    for queue in queues:
        flying.add_metric([queue], snapshot.in_flight[QueueName(queue)])
    flying.add_metric([OTHER], snapshot.in_flight.total() - sum(snapshot.in_flight[QueueName(each)] for each in queues))
    yield flying

    def gauge(name: str, says: str, value: Callable[[QueueStats], float]) -> Metric:
        family = GaugeMetricFamily(f"tidegate_{name}", says, labels=["queue"])
        for queue, stats in sorted(snapshot.queues.items()):
            family.add_metric([queue], value(stats))
        return family

    def overdue(stats: QueueStats) -> float:
        due = stats.next_due
        return max(0.0, (snapshot.now - due).total_seconds()) if due is not None else 0.0

    yield gauge("queue_tasks", "Tasks in the queue, those under way among them.", lambda stats: stats.tasks)
    yield gauge(
        "queue_next_due_age_seconds", "For how long the queue's next task has been due; 0 when none is.", overdue
    )
    yield gauge(
        "queue_tokens", "Tokens in the queue's bucket: attempts it may start at once.", lambda stats: stats.tokens
    )
    yield gauge(
        "queue_throttle_ratio",
        "The share of its rate that throttling leaves the queue; 1 when it is not slowed.",
        lambda stats: stats.throttle_factor,
    )
    yield gauge(
        "queue_effective_rate",
        "Attempts a second that the queue may start now; 0 while it is paused.",
        lambda stats: stats.effective_rate,
    )

    family = GaugeMetricFamily("tidegate_queue_dead_tasks", "Dead tasks on the shelf of the queue.", labels=["queue"])
    for queue, tasks in sorted(snapshot.shelved.items()):
        family.add_metric([queue], tasks)
    yield family


def _nodes(nodes: Nodes) -> Iterator[Metric]:
    """Who else works on the store."""
    living = GaugeMetricFamily("tidegate_nodes", "Nodes that have beaten lately, this one among them.")
    living.add_metric([], nodes.living)
    yield living
    taken = CounterMetricFamily(
        "tidegate_node_take_overs", "Nodes that this one found dead, and whose attempts it made due again."
    )
    taken.add_metric([], nodes.taken_over)
    yield taken
    rejoined = CounterMetricFamily(
        "tidegate_node_rejoins", "How often the others took this node for dead, and it joined anew."
    )
    rejoined.add_metric([], nodes.rejoined)
    yield rejoined


def _calls(calls: Calls) -> Iterator[Metric]:
    """What was asked of the API."""
    methods = [(method.strip("/").replace("/", "."), "grpc", counts) for method, counts in calls.grpc.items()]
    methods += [(method, "rest", counts) for method, counts in calls.rest.items()]
    methods.sort(key=lambda each: each[:2])
    family = CounterMetricFamily(
        "tidegate_api_calls", "Calls answered, by canonical code.", labels=["method", "transport", "code"]
    )
    for method, transport, counts in methods:
        for code, count in sorted(counts.codes.items()):
            family.add_metric([method, transport, code], count)
    yield family
    yield _histogram(
        "api_call_duration_seconds",
        "How long a call took, from its headers to its answer.",
        ["method", "transport"],
        (([method, transport], counts.durations) for method, transport, counts in methods),
    )


def _commits(commits: Commits) -> Iterator[Metric]:
    """What the store did."""
    yield _histogram("store_commit_seconds", "How long a commit took, with its sync.", [], [([], commits.seconds)])
    yield _histogram("store_commit_jobs", "Calls, claims and records in one commit.", [], [([], commits.jobs)])
    failed = CounterMetricFamily("tidegate_store_commit_failures", "Transactions that could not be committed.")
    failed.add_metric([], commits.failed)
    yield failed


def _figures(figures: StoreFigures) -> Iterator[Metric]:
    """How the database fares."""
    yield _histogram("store_due_seconds", "How long a look for due tasks took.", [], [([], figures.due)])
    dead = GaugeMetricFamily("tidegate_store_dead_rows", "Rows of tasks that are gone and not cleared away yet.")
    dead.add_metric([], figures.dead_rows)
    yield dead
    if figures.oldest_snapshot is not None:
        name = "tidegate_store_oldest_snapshot_seconds"
        oldest = GaugeMetricFamily(name, "For how long somebody has held a snapshot; 0 when nobody does.")
        oldest.add_metric([], figures.oldest_snapshot)
        yield oldest


def _process(snapshot: Snapshot) -> Iterator[Metric]:
    ready = GaugeMetricFamily("tidegate_ready", "1 while this server answers calls, 0 while it drains.")
    ready.add_metric([], float(snapshot.ready))
    yield ready
    build = GaugeMetricFamily(
        "tidegate_build_info", "What is running; always 1.", labels=["version", "python", "store"]
    )
    build.add_metric([snapshot.version, platform.python_version(), snapshot.store], 1)
    yield build
    yield from ProcessCollector(registry=None).collect()


def _histogram(
    name: str, says: str, labels: list[str], series: Iterable[tuple[list[str], Histogram]]
) -> HistogramMetricFamily:
    family: Any = HistogramMetricFamily(f"tidegate_{name}", says, labels=labels)
    for values, histogram in series:
        family.add_metric(values, _buckets(histogram), histogram.total)
    return family  # type: ignore[no-any-return]


def _buckets(histogram: Histogram) -> Sequence[Sequence[Any]]:
    """Each end, how many values were at most as large, and where values are traced the last one with its span."""
    buckets = histogram.cumulative()
    if histogram.exemplars is None:
        return buckets
    seen = {
        place: Exemplar({"trace_id": f"{each.trace_id:032x}", "span_id": f"{each.span_id:016x}"}, each.value, each.at)
        for place, each in dict(histogram.exemplars).items()  # a copy: spans end meanwhile
    }
    return [(end, below, seen.get(place)) for place, (end, below) in enumerate(buckets)]
