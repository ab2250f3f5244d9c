"""The engine's events become numbers that Prometheus can read."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from tidegate.core.backoff import RetryLimit
from tidegate.core.dead_letters import DeathReason
from tidegate.core.histogram import Exemplar
from tidegate.core.lifecycle import Gone, Judgement, Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.stats import QueueStats
from tidegate.core.task import HttpRequest, Task
from tidegate.engine.ports.events import (
    AllDeleted,
    AttemptEnded,
    AttemptStarted,
    QueueChanged,
    QueueDeleted,
    TaskDied,
    TasksAcknowledged,
    TasksCreated,
    TasksLeased,
)
from tidegate.observers.metrics.counts import ACTIVE_FOR, SECONDS, Counts
from tidegate.observers.metrics.families import OTHER, SHOWN_MOST, Snapshot, text
from tidegate.servers.call_counts import CallCounts
from tidegate.storage.commit_counts import CommitCounts

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MAIL = QueueName("projects/p/locations/here/queues/mail")
AUDIT = QueueName("projects/p/locations/here/queues/audit")
TASK = Task(name=MAIL.task("t"), target=HttpRequest("http://a.test/"), schedule_time=NOON, create_time=NOON)
DAY = ACTIVE_FOR


def started(after: float = 0.02) -> AttemptStarted:
    return AttemptStarted(Queue(name=MAIL), TASK, NOON + timedelta(seconds=after))


def ended(outcome: Outcome, took: float = 0.3, judgement: Judgement | None = None) -> AttemptEnded:
    return AttemptEnded(Queue(name=MAIL), TASK, outcome, judgement, timedelta(seconds=took), NOON)


def created(queue: QueueName, count: int) -> TasksCreated:
    return TasksCreated(Queue(name=queue), [TASK] * count, NOON)


class SomeNodes(NamedTuple):
    """What a node sees of the others."""

    living: int = 3
    taken_over: int = 2
    rejoined: int = 1


def snapshot(
    counts: Counts,
    *,
    queues: dict[QueueName, QueueStats] | None = None,
    in_flight: Counter[QueueName] | None = None,
    calls: CallCounts | None = None,
    commits: CommitCounts | None = None,
    shelved: dict[QueueName, int] | None = None,
    nodes: SomeNodes | None = None,
) -> Snapshot:
    return Snapshot(
        now=NOON,
        version="1.2.3",
        store="sqlite",
        ready=True,
        counts=counts,
        queues=queues or {},
        in_flight=in_flight or Counter(),
        calls=calls or CallCounts(),
        commits=commits,
        shelved=shelved or {},
        nodes=nodes,
    )


def numbers(of: Counts | Snapshot) -> dict[tuple[str, ...], float]:
    """Each sample of the page by its name and the values of its labels, in the order of the labels' names."""
    page = text(of if isinstance(of, Snapshot) else snapshot(of), openmetrics=False).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in read_text(page)
        for sample in family.samples
    }


def heard(*events: object, most: int = 200) -> Counts:
    counts = Counts(most)
    for event in events:
        counts.emit(event)  # type: ignore[arg-type]
    return counts


def test_created_tasks_are_counted_by_queue() -> None:
    shown = numbers(heard(created(MAIL, 3), created(AUDIT, 1), created(MAIL, 2), QueueChanged(MAIL, "updated")))
    assert shown["tidegate_tasks_created_total", MAIL] == 5
    assert shown["tidegate_tasks_created_total", AUDIT] == 1
    assert shown["tidegate_tasks_created_total", OTHER] == 0


def test_attempts_are_counted_by_the_code_of_their_outcome() -> None:
    counts = Counts()
    for outcome in (Outcome(200), Outcome(204), Outcome(503), Outcome(timed_out=True), Outcome(forbidden=True)):
        counts.emit(started())
        counts.emit(ended(outcome))
    shown = numbers(counts)
    counted = {"OK": 2, "UNAVAILABLE": 1, "DEADLINE_EXCEEDED": 1, "PERMISSION_DENIED": 1}
    for code, count in counted.items():
        assert shown["tidegate_attempts_total", code, MAIL] == count
    assert shown["tidegate_attempts_started_total", MAIL] == 5


def test_tasks_that_are_given_up_are_counted_by_the_limit() -> None:
    shown = numbers(
        heard(
            started(),
            ended(Outcome(500), judgement=Gone(RetryLimit.MAX_ATTEMPTS)),
            ended(Outcome(200), judgement=Gone()),
        )
    )
    assert {key: value for key, value in shown.items() if key[0] == "tidegate_tasks_given_up_total"} == {
        ("tidegate_tasks_given_up_total", "MAX_ATTEMPTS", MAIL): 1
    }


def test_dead_tasks_are_counted_by_the_reason_and_shown_as_they_lie_on_the_shelf() -> None:
    died = TaskDied(MAIL, MAIL.task("t"), DeathReason.TTL, shelved=True, at=NOON)
    shown = numbers(snapshot(heard(created(MAIL, 1), died, died), shelved={MAIL: 7}))
    assert shown["tidegate_tasks_died_total", MAIL, "TTL"] == 2
    assert shown["tidegate_queue_dead_tasks", MAIL] == 7


def test_leases_and_acknowledgements_are_counted() -> None:
    shown = numbers(heard(TasksLeased(MAIL, 5), TasksLeased(MAIL, 1), TasksAcknowledged(MAIL, 4)))
    assert shown["tidegate_tasks_leased_total", MAIL] == 6
    assert shown["tidegate_tasks_acknowledged_total", MAIL] == 4


def test_the_nodes_of_a_shared_store_are_shown() -> None:
    shown = numbers(snapshot(Counts(), nodes=SomeNodes()))
    assert shown["tidegate_nodes",] == 3
    assert shown["tidegate_node_take_overs_total",] == 2
    assert shown["tidegate_node_rejoins_total",] == 1
    assert ("tidegate_nodes",) not in numbers(Counts())


def test_attempts_under_way_are_those_of_this_process() -> None:
    under_way = Counter({MAIL: 2, AUDIT: 3})
    shown = numbers(snapshot(heard(started()), in_flight=under_way))
    assert shown["tidegate_attempts_in_flight", MAIL] == 2
    assert shown["tidegate_attempts_in_flight", OTHER] == 3


def test_delays_and_durations_fall_into_buckets_that_add_up() -> None:
    counts = Counts()
    for after, took in ((0.005, 0.3), (0.02, 2000.0), (7.0, 0.3)):
        counts.emit(started(after))
        counts.emit(ended(Outcome(200), took))
    shown = numbers(counts)

    def below(name: str, end: object) -> float:
        return shown[f"tidegate_attempt_{name}_seconds_bucket", str(end), MAIL]

    assert [below("delay", end) for end in (0.005, 0.01, 0.025, 5.0, 10.0, "+Inf")] == [1, 1, 2, 2, 3, 3]
    assert [below("duration", end) for end in (0.25, 0.5, 1800.0, "+Inf")] == [0, 2, 2, 3]
    assert shown["tidegate_attempt_duration_seconds_sum", MAIL] == 2000.6
    assert shown["tidegate_attempt_duration_seconds_count", MAIL] == 3


def test_a_deleted_queue_has_no_numbers_and_the_others_keep_theirs() -> None:
    counts = heard(created(MAIL, 3), started(), ended(Outcome(200)), created(AUDIT, 1), QueueDeleted(MAIL))
    assert not any(MAIL in key for key in numbers(counts))
    assert numbers(counts)["tidegate_tasks_created_total", AUDIT] == 1
    counts.emit(AllDeleted())
    assert not any(AUDIT in key for key in numbers(counts))


def test_queues_beyond_the_most_are_counted_together() -> None:
    more = [QueueName(f"projects/p/locations/here/queues/q{number}") for number in range(10)]
    shown = numbers(heard(*(created(queue, 2) for queue in more), most=3))
    assert [queue for queue in more if ("tidegate_tasks_created_total", queue) in shown] == more[:3]
    assert shown["tidegate_tasks_created_total", OTHER] == 14


def test_so_many_queues_have_series_of_their_own_and_the_others_one_together() -> None:
    more = [QueueName(f"projects/p/locations/here/queues/q{number}") for number in range(SHOWN_MOST + 10)]
    of = snapshot(heard(*(created(queue, 2) for queue in more)), in_flight=Counter({more[-1]: 5, more[0]: 1}))
    shown = numbers(of)
    assert shown["tidegate_tasks_created_total", more[0]] == 2
    assert ("tidegate_tasks_created_total", more[-1]) not in shown
    assert shown["tidegate_tasks_created_total", OTHER] == 20
    assert shown["tidegate_attempts_in_flight", OTHER] == 5


def test_an_idle_queue_joins_the_others_after_a_day_and_begins_anew_when_it_wakes() -> None:
    counts = heard(created(MAIL, 3), created(AUDIT, 1))
    counts.retire(0.0)
    counts.emit(created(AUDIT, 1))
    counts.retire(DAY)
    shown = numbers(counts)
    assert ("tidegate_tasks_created_total", MAIL) not in shown
    assert shown["tidegate_tasks_created_total", AUDIT] == 2
    assert shown["tidegate_tasks_created_total", OTHER] == 3
    counts.emit(created(MAIL, 4))
    assert numbers(counts)["tidegate_tasks_created_total", MAIL] == 4


def test_the_present_state_of_a_queue_is_shown() -> None:
    due_since = NOON - timedelta(seconds=90)
    stats = QueueStats(
        tasks=7,
        next_due=due_since,
        executed_last_minute=1,
        in_flight=0,
        effective_rate=2.5,
        tokens=1.5,
        throttle_factor=0.5,
    )
    shown = numbers(snapshot(Counts(), queues={MAIL: stats}))
    assert shown["tidegate_queue_tasks", MAIL] == 7
    assert shown["tidegate_queue_next_due_age_seconds", MAIL] == 90
    assert shown["tidegate_queue_tokens", MAIL] == 1.5
    assert shown["tidegate_queue_throttle_ratio", MAIL] == 0.5
    assert shown["tidegate_queue_effective_rate", MAIL] == 2.5


def test_calls_are_shown_by_method_transport_and_code() -> None:
    calls = CallCounts()
    calls.grpc["/google.cloud.tasks.v2.CloudTasks/GetTask"].codes["OK"] += 2
    calls.rest["google.cloud.tasks.v2.CloudTasks.GetTask"].codes["NOT_FOUND"] += 1
    calls.rest["google.cloud.tasks.v2.CloudTasks.GetTask"].durations.add(0.002)
    shown = numbers(snapshot(Counts(), calls=calls))
    get_task = "google.cloud.tasks.v2.CloudTasks.GetTask"
    assert shown["tidegate_api_calls_total", "OK", get_task, "grpc"] == 2
    assert shown["tidegate_api_calls_total", "NOT_FOUND", get_task, "rest"] == 1
    assert shown["tidegate_api_call_duration_seconds_bucket", "0.0025", get_task, "rest"] == 1


def test_commits_are_shown_with_their_jobs_and_seconds() -> None:
    commits = CommitCounts()
    commits.add(3, 0.0004)
    commits.failed += 1
    shown = numbers(snapshot(Counts(), commits=commits))
    assert shown["tidegate_store_commit_jobs_sum",] == 3
    assert shown["tidegate_store_commit_seconds_bucket", "0.0005"] == 1
    assert shown["tidegate_store_commit_failures_total",] == 1


def test_the_page_says_what_is_running() -> None:
    shown = numbers(Counts())
    assert shown["tidegate_ready",] == 1
    assert any(key[0] == "tidegate_build_info" and "1.2.3" in key for key in shown)


def test_both_formats_say_the_same() -> None:
    of = snapshot(heard(created(AUDIT, 1), started(), ended(Outcome(500))), commits=CommitCounts())
    plain = {family.name: len(family.samples) for family in read_text(text(of, openmetrics=False).decode())}
    openmetrics = {family.name: len(family.samples) for family in read_openmetrics(text(of, openmetrics=True).decode())}
    assert plain == openmetrics


def test_buckets_are_in_order() -> None:
    assert list(SECONDS) == sorted(SECONDS)


def test_an_exemplar_stands_at_its_bucket_in_openmetrics_alone() -> None:
    counts = heard(started(), ended(Outcome(200), took=0.3))
    counts.mark(MAIL, Exemplar(trace_id=0xABC, span_id=0xDEF, value=0.3, at=1_700_000_000.5))
    marked = {
        sample.labels["le"]: sample.exemplar
        for family in read_openmetrics(text(snapshot(counts), openmetrics=True).decode())
        for sample in family.samples
        if sample.exemplar is not None
    }
    assert list(marked) == ["0.5"]
    assert marked["0.5"].labels == {"trace_id": f"{0xABC:032x}", "span_id": f"{0xDEF:016x}"}
    assert marked["0.5"].value == 0.3
    assert b"trace_id" not in text(snapshot(counts), openmetrics=False)
