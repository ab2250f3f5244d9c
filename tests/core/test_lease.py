from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.examples import MINUTE, NOON, SECOND

from tidegate.core.errors import ApiError, FailedPrecondition, InvalidArgument
from tidegate.core.lease import (
    Lease,
    LeaseFilter,
    check_holder,
    choose,
    held_time,
    lease_size,
    lease_span,
    leases_left,
    read_filter,
    tag_of,
)
from tidegate.core.names import QueueName
from tidegate.core.queue import UNLIMITED_ATTEMPTS, Queue, RetryConfig
from tidegate.core.task import PullMessage, Task
from tidegate.core.times import Duration


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", LeaseFilter()),
        ("  ", LeaseFilter()),
        ("tag=red", LeaseFilter(tag="red")),
        ('tag="red"', LeaseFilter(tag="red")),
        (" tag = red ", LeaseFilter(tag="red")),
        ('tag = "dark red"', LeaseFilter(tag="dark red")),
        ("tag=dark red", LeaseFilter(tag="dark red")),
        (r'tag="a\"b\\c"', LeaseFilter(tag=r'a"b\c')),
        ('tag=""', LeaseFilter(tag="")),
        ("tag=rot=grün", LeaseFilter(tag="rot=grün")),
        ("tag_function=oldest_tag()", LeaseFilter(oldest=True)),
        ("tag_function = oldest_tag( )", LeaseFilter(oldest=True)),
    ],
)
def test_a_filter_asks_for_a_tag_or_the_oldest_one(text: str, wanted: LeaseFilter) -> None:
    assert read_filter(text) == wanted


@pytest.mark.parametrize(
    "text", ["tag", "tag=", "tag= ", 'tag="a', 'tag="a" b', "tags=a", "tag_function=newest_tag()", "oldest_tag()", "a"]
)
def test_any_other_filter_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        read_filter(text)
    assert caught.value.message == (
        "LeaseTasksRequest.filter must be empty, 'tag=<tag>' or 'tag_function=oldest_tag()', "
        f"but it is '{text.strip()}'."
    )


@given(st.text() | st.text().map("tag={}".format))
def test_no_filter_ever_raises_anything_but_an_api_error(text: str) -> None:
    try:
        assert isinstance(read_filter(text), LeaseFilter)
    except ApiError as error:
        assert error.message  # noqa: PT017


@pytest.mark.parametrize(("sent", "size"), [(0, 1000), (1, 1), (1000, 1000)])
def test_up_to_a_thousand_tasks_are_leased_at_once(sent: int, size: int) -> None:
    assert lease_size(sent) == size


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        (1001, "LeaseTasksRequest.maxTasks must be less than or equal to 1000."),
        (-1, "LeaseTasksRequest.maxTasks cannot be negative."),
    ],
)
def test_more_or_less_is_refused(sent: int, text: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        lease_size(sent)
    assert caught.value.message == text


@pytest.mark.parametrize(
    ("sent", "span"),
    [(Duration(1), 1), (Duration(1, 999_999_999), 1), (Duration(604_800), 604_800), (Duration(604_800, 5), 604_800)],
)
def test_a_lease_runs_for_whole_seconds_up_to_a_week(sent: Duration, span: int) -> None:
    assert lease_span(sent, "RenewLeaseRequest") == span * SECOND


@pytest.mark.parametrize(
    "sent", [Duration(), Duration(0, 999_999_999), Duration(604_801), Duration(-1), Duration(1, -1)]
)
def test_a_lease_of_another_length_is_refused(sent: Duration) -> None:
    with pytest.raises(InvalidArgument, match=r"^LeaseTasksRequest\.leaseDuration must be between \[1s, 604800s\]\.$"):
        lease_span(sent, "LeaseTasksRequest")


def test_a_lease_needs_a_length() -> None:
    with pytest.raises(InvalidArgument, match=r"^RenewLeaseRequest\.leaseDuration is required\.$"):
        lease_span(None, "RenewLeaseRequest")


UNTIL = NOON + MINUTE + timedelta(microseconds=5)
SENT = (int(NOON.timestamp()) + 60, 5_000)


def leased(leases: int = 1) -> Lease:
    return Lease(UNTIL, leases)


def test_the_worker_with_the_schedule_time_holds_the_task() -> None:
    check_holder(leased(), SENT, NOON)
    check_holder(leased(), (SENT[0], 5_999), UNTIL - timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("current", "sent", "passed"),
    [
        (leased(), (SENT[0], 4_999), timedelta()),
        (leased(), (SENT[0], 6_000), timedelta()),
        (leased(), (SENT[0] - 60, 5_000), timedelta()),
        (leased(), SENT, MINUTE + timedelta(microseconds=5)),
        (leased(leases=0), SENT, timedelta()),
    ],
)
def test_a_lease_that_ran_out_or_is_anothers_holds_nothing(
    current: Lease, sent: tuple[int, int], passed: timedelta
) -> None:
    with pytest.raises(FailedPrecondition) as caught:
        check_holder(current, sent, NOON + passed)
    assert caught.value.message == "The task's lease has expired or is held by another worker."


def test_a_holder_must_send_the_schedule_time() -> None:
    with pytest.raises(InvalidArgument, match=r"^CancelLeaseRequest\.scheduleTime is required\.$"):
        held_time(None, "CancelLeaseRequest")


# Which tasks a worker gets

QUEUE = Queue(name=QueueName.of("p", "l", "q"), retry_config=RetryConfig(max_attempts=2))


def pull_task(task_id: str, leases: int = 0, retry: RetryConfig | None = None) -> Task:
    return Task(
        name=QUEUE.name.task(task_id),
        target=PullMessage("tag"),
        schedule_time=NOON,
        create_time=NOON,
        retry_config=retry,
        dispatch_count=leases,
    )


def chosen(tasks: list[Task], sizes: list[int], limit: int = 10, bytes_limit: int = 10) -> tuple[list[str], list[str]]:
    choice = choose(tasks, sizes, QUEUE, limit, bytes_limit)
    return [task.name.task for task in choice.chosen], [task.name.task for task in choice.spent]


def test_the_first_tasks_are_chosen_as_far_as_their_payloads_fit() -> None:
    tasks = [pull_task(name) for name in "abcd"]
    assert chosen(tasks, [3, 3, 3, 3]) == (["a", "b", "c"], [])
    assert chosen(tasks, [3, 3, 3, 3], limit=2) == (["a", "b"], [])
    assert chosen(tasks, [0, 0, 0, 0], bytes_limit=0) == (["a", "b", "c", "d"], [])
    assert chosen(tasks, [99, 0, 0, 0]) == (["a"], [])  # one, however long


def test_tasks_that_may_not_be_leased_again_are_told_apart_and_take_no_room() -> None:
    tasks = [pull_task("spent", leases=2), pull_task("a", leases=1), pull_task("b"), pull_task("late", leases=2)]
    assert chosen(tasks, [99, 5, 5, 0]) == (["a", "b"], ["spent", "late"])
    assert chosen(tasks, [99, 5, 5, 0], limit=2) == (["a", "b"], ["spent"])


def test_the_leases_left_are_those_of_the_tasks_own_settings_else_of_its_queue() -> None:
    assert leases_left(pull_task("a", leases=1), QUEUE) == 1
    assert leases_left(pull_task("a", leases=1, retry=RetryConfig(max_attempts=5)), QUEUE) == 4
    assert leases_left(pull_task("a", leases=9, retry=RetryConfig(max_attempts=UNLIMITED_ATTEMPTS)), QUEUE) > 1e9


def test_a_lease_moves_the_schedule_time_and_is_counted() -> None:
    leased = pull_task("a", leases=1).leased(NOON + MINUTE)
    assert (leased.schedule_time, leased.dispatch_count, tag_of(leased)) == (NOON + MINUTE, 2, "tag")
