from datetime import timedelta

import pytest
from tests.core.examples import NOON, SECOND

from tidegate.core.expiry import is_lost, is_overdue, is_young
from tidegate.core.names import QueueName
from tidegate.core.queue import SHORTEST_TASK_TTL, Queue, RetryConfig
from tidegate.core.task import PullMessage, Task

QUEUE = Queue(name=QueueName.of("p", "l", "q"), task_ttl=timedelta(days=12), retry_config=RetryConfig(max_attempts=1))


def test_a_task_is_overdue_once_its_queues_time_to_live_has_passed() -> None:
    end = NOON + timedelta(days=12)
    assert not is_overdue(NOON, QUEUE, end - SECOND)
    assert is_overdue(NOON, QUEUE, end)


def test_a_task_is_young_until_the_shortest_time_to_live_has_passed() -> None:
    assert is_young(NOON, NOON + SHORTEST_TASK_TTL - SECOND)
    assert not is_young(NOON, NOON + SHORTEST_TASK_TTL)


@pytest.mark.parametrize(("leases", "after", "lost"), [(0, 1, False), (1, 0, True), (1, -1, False)])
def test_a_pull_task_is_lost_when_its_last_lease_has_run_out(leases: int, after: int, lost: bool) -> None:
    task = Task(
        name=QUEUE.name.task("a"),
        target=PullMessage(),
        schedule_time=NOON,
        create_time=NOON,
        dispatch_count=leases,
    )
    assert is_lost(task, QUEUE, NOON + after * SECOND) is lost
