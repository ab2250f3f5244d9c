"""What the demo concludes from what its handler saw."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace

from tidegate.cli.demo.findings import (
    PromiseCheck,
    most_at_once,
    most_within,
    promises,
    queue_facts,
    wait_facts,
)
from tidegate.cli.demo.handler import ArrivedAttempt
from tidegate.cli.demo.plan import QUEUES, DemoQueue, DemoTask, plan
from tidegate.core.backoff import backoff
from tidegate.core.queue import RetryConfig, burst_for
from tidegate.core.times import Duration

NOON = 1_700_000_000.0
QUEUE = DemoQueue("mail", 10, 10, 2, 3, 1.0, 10.0, 3, (1.0, 2.0, 4.0))
TASKS = [DemoTask("mail", "a"), DemoTask("mail", "b", (500,))]


def attempt(task: str, retries: int = 0, due: float = NOON, after: float = 0.01, status: int = 200) -> ArrivedAttempt:
    """An attempt that arrived ``after`` seconds late and was answered a millisecond later."""
    return ArrivedAttempt("mail", task, retries, due, due + after, due + after + 0.001, status)


A = attempt("a")
B_FAILED = attempt("b", status=500)
B_RETRIED = attempt("b", 1, due=B_FAILED.answered + 1.002)
GOOD = [A, B_FAILED, B_RETRIED]


def judged(attempts: Sequence[ArrivedAttempt], left: int = 0, queue: DemoQueue = QUEUE) -> dict[str, PromiseCheck]:
    facts = queue_facts(queue, TASKS, attempts)
    waits = wait_facts(queue, attempts)
    kept = promises([facts], waits, attempts, accepted=len(TASKS), left=left, lag=0.0)
    return {promise.says: promise for promise in kept}


def broken(attempts: Sequence[ArrivedAttempt], left: int = 0, queue: DemoQueue = QUEUE) -> list[str]:
    return [says for says, promise in judged(attempts, left, queue).items() if not promise.kept]


def test_a_run_as_it_should_be_keeps_every_promise() -> None:
    assert broken(GOOD) == []
    assert judged(GOOD)["Nothing acknowledged is lost"].evidence == "2 in: 2 delivered, 0 given up, 0 left"
    assert judged(GOOD)["Retries wait as documented"].evidence == "1 wait, 2.0 to 2.0 ms over the formula"


def test_a_task_that_never_came_is_lost() -> None:
    assert broken([A]) == ["Nothing acknowledged is lost"]


def test_a_task_that_is_still_there_in_the_end_is_told() -> None:
    assert broken(GOOD, left=1) == ["Nothing acknowledged is lost"]


def test_an_attempt_that_is_made_twice_is_told() -> None:
    assert broken([*GOOD, attempt("a", after=0.5)]) == ["Each attempt is made once"]


def test_an_attempt_before_its_time_is_told() -> None:
    assert broken([attempt("a", after=-0.001), B_FAILED, B_RETRIED]) == ["Never early"]


def test_more_attempts_than_bucket_and_rate_allow_are_told() -> None:
    quick = [attempt(f"t{number}", after=0.01 * number) for number in range(12)]
    slow_queue = replace(QUEUE, rate=1.0)
    assert "Rates are ceilings" in broken([*GOOD, *quick], queue=slow_queue)
    assert "Rates are ceilings" not in broken([*GOOD, *quick])


def test_more_attempts_at_once_than_allowed_are_told() -> None:
    assert broken(GOOD, queue=replace(QUEUE, at_once=1)) == ["So is how many run at once"]


def test_a_wait_that_is_shorter_than_the_formula_is_told() -> None:
    hasty = replace(B_RETRIED, due=B_FAILED.answered + 0.999)
    assert broken([A, B_FAILED, hasty]) == ["Retries wait as documented"]


def test_waits_that_are_typically_much_longer_than_the_formula_are_told() -> None:
    tardy = attempt("b", 1, due=B_FAILED.answered + 1.5)
    assert broken([A, B_FAILED, tardy]) == ["Retries wait as documented"]


def test_a_task_is_given_up_once_its_attempts_are_used_up() -> None:
    tries = [attempt("b", number, due=NOON + 10 * number, status=500) for number in range(3)]
    facts = queue_facts(QUEUE, TASKS, [A, *tries])
    assert (facts.delivered, facts.given_up, facts.retries) == (1, 1, 2)
    assert queue_facts(QUEUE, TASKS, [A, *tries[:2]]).given_up == 0


def test_the_slowest_task_is_counted_from_its_first_due_time_to_its_delivery() -> None:
    assert queue_facts(QUEUE, TASKS, GOOD).slowest == pytest.approx(B_RETRIED.answered - NOON)


def test_the_fastest_second_is_looked_for_everywhere() -> None:
    assert most_within(1.0, [0.0, 0.5, 0.9, 1.0, 1.4]) == 4
    assert most_within(1.0, [0.0, 1.0, 2.0]) == 1
    assert most_within(1.0, []) == 0


def test_spans_that_touch_do_not_overlap() -> None:
    assert most_at_once([(0, 1), (1, 2), (0.5, 1.5)]) == 2
    assert most_at_once([]) == 0


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.id)
def test_the_demo_states_the_waits_and_bursts_that_the_rules_give(queue: DemoQueue) -> None:
    retry = RetryConfig(
        min_backoff=Duration.of(timedelta(seconds=queue.min_backoff)),
        max_backoff=Duration.of(timedelta(seconds=queue.max_backoff)),
        max_doublings=queue.max_doublings,
    )
    stated = [queue.wait(failures) for failures in range(1, 5)]
    assert stated == [backoff(failures, retry).total_seconds() for failures in range(1, 5)]
    assert queue.burst == burst_for(queue.rate)


def test_the_plan_is_the_same_each_time_and_no_task_needs_more_waits_than_are_stated() -> None:
    tasks = plan(4000)
    assert tasks == plan(4000)
    assert len(tasks) == 4000
    assert len({(task.queue, task.id) for task in tasks}) == 4000
    assert max(len(task.failures) for task in tasks) <= 5
    assert {status for task in tasks for status in task.failures} == {404, 500, 503}
