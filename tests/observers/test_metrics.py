"""The engine's events become numbers that Prometheus can read."""

import re
from datetime import UTC, datetime, timedelta

from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.task import HttpRequest, Task
from tidegate.engine.ports.events import (
    AllDeleted,
    AttemptEnded,
    AttemptStarted,
    QueueChanged,
    QueueDeleted,
    TasksCreated,
)
from tidegate.observers.metrics import BUCKETS, Metrics

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MAIL = QueueName("projects/p/locations/here/queues/mail")
AUDIT = QueueName("projects/p/locations/here/queues/audit")
TASK = Task(name=MAIL.task("t"), target=HttpRequest("http://a.test/"), schedule_time=NOON, create_time=NOON)

LINE = re.compile(r'tidegate_\w+\{queue="[^"]+"(,(code|le)="[^"]+")?\} [\d.]+')


def started(after: float = 0.02) -> AttemptStarted:
    return AttemptStarted(Queue(name=MAIL), TASK, NOON + timedelta(seconds=after))


def ended(outcome: Outcome, took: float = 0.3) -> AttemptEnded:
    return AttemptEnded(Queue(name=MAIL), TASK, outcome, None, timedelta(seconds=took), NOON)


def created(queue: QueueName, count: int) -> TasksCreated:
    return TasksCreated(Queue(name=queue), [TASK] * count, NOON)


def numbers(metrics: Metrics) -> dict[str, float]:
    lines = (line for line in metrics.text().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_created_tasks_are_counted_by_queue() -> None:
    metrics = Metrics()
    for event in (created(MAIL, 3), created(AUDIT, 1), created(MAIL, 2), QueueChanged(MAIL, "updated")):
        metrics.emit(event)
    shown = numbers(metrics)
    assert shown[f'tidegate_tasks_created_total{{queue="{MAIL}"}}'] == 5
    assert shown[f'tidegate_tasks_created_total{{queue="{AUDIT}"}}'] == 1


def test_attempts_are_counted_by_the_code_of_their_outcome() -> None:
    metrics = Metrics()
    for outcome in (Outcome(200), Outcome(204), Outcome(503), Outcome(timed_out=True), Outcome(forbidden=True)):
        metrics.emit(started())
        metrics.emit(ended(outcome))
    shown = numbers(metrics)
    counted = {"OK": 2, "UNAVAILABLE": 1, "DEADLINE_EXCEEDED": 1, "PERMISSION_DENIED": 1}
    for code, count in counted.items():
        assert shown[f'tidegate_attempts_total{{queue="{MAIL}",code="{code}"}}'] == count


def test_attempts_under_way_are_those_that_started_and_did_not_end() -> None:
    metrics = Metrics()
    for event in (started(), started(), ended(Outcome(200))):
        metrics.emit(event)
    assert numbers(metrics)[f'tidegate_attempts_in_flight{{queue="{MAIL}"}}'] == 1


def test_delays_and_durations_fall_into_buckets_that_add_up() -> None:
    metrics = Metrics()
    for after, took in ((0.005, 0.3), (0.02, 2000.0), (7.0, 0.3)):
        metrics.emit(started(after))
        metrics.emit(ended(Outcome(200), took))
    shown = numbers(metrics)

    def below(name: str, end: object) -> float:
        return shown[f'tidegate_attempt_{name}_seconds_bucket{{queue="{MAIL}",le="{end}"}}']

    assert [below("delay", end) for end in (0.005, 0.01, 0.025, 5.0, 10.0, "+Inf")] == [1, 1, 2, 2, 3, 3]
    assert [below("duration", end) for end in (0.25, 0.5, 1800.0, "+Inf")] == [0, 2, 2, 3]
    assert shown[f'tidegate_attempt_duration_seconds_sum{{queue="{MAIL}"}}'] == 2000.6
    assert shown[f'tidegate_attempt_duration_seconds_count{{queue="{MAIL}"}}'] == 3


def test_a_deleted_queue_has_no_numbers_and_the_others_keep_theirs() -> None:
    metrics = Metrics()
    for event in (created(MAIL, 3), started(), ended(Outcome(200)), created(AUDIT, 1)):
        metrics.emit(event)
    metrics.emit(QueueDeleted(MAIL))
    assert not any(MAIL in name for name in numbers(metrics))
    assert numbers(metrics)[f'tidegate_tasks_created_total{{queue="{AUDIT}"}}'] == 1
    metrics.emit(AllDeleted())
    assert numbers(metrics) == {}


def test_attempts_that_outlive_their_queue_are_not_counted_for_the_next_of_its_name() -> None:
    metrics = Metrics()
    for event in (started(), started(), QueueDeleted(MAIL), ended(Outcome(200))):
        metrics.emit(event)
    assert numbers(metrics) == {}
    for event in (started(), ended(Outcome(500)), ended(Outcome(404))):
        metrics.emit(event)
    shown = numbers(metrics)
    assert shown[f'tidegate_attempts_in_flight{{queue="{MAIL}"}}'] == 0
    assert shown[f'tidegate_attempts_total{{queue="{MAIL}",code="NOT_FOUND"}}'] == 1
    assert f'tidegate_attempts_total{{queue="{MAIL}",code="INTERNAL"}}' not in shown


def test_every_line_is_one_that_prometheus_reads() -> None:
    metrics = Metrics()
    for event in (created(AUDIT, 1), started(), ended(Outcome(500))):
        metrics.emit(event)
    lines = metrics.text().splitlines()
    assert all(LINE.fullmatch(line) or line.startswith(("# HELP tidegate_", "# TYPE tidegate_")) for line in lines)
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families)) == 5
    assert metrics.text().endswith("\n")


def test_without_events_there_are_no_numbers() -> None:
    assert numbers(Metrics()) == {}
    assert list(BUCKETS) == sorted(BUCKETS)
