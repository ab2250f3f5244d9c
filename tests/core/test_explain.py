"""Why a task does not run: every reason from its values, the decisive one first."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from tidegate.core.bucket import Flow, TokenBucket
from tidegate.core.errors import Code as StatusCode
from tidegate.core.explain import task as task_rules
from tidegate.core.explain.forecast import MOST_LOOKS, start_time
from tidegate.core.explain.holds import Hold, Longest
from tidegate.core.explain.queue import QueueSituation, explain_queue
from tidegate.core.explain.task import Situation, explain_task, finished_or_deleted, never_existed
from tidegate.core.explain.values import Code, Explanation, Reason, State
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue, RateLimits, RetryConfig
from tidegate.core.queue import State as QueueState
from tidegate.core.task import Attempt, HttpRequest, PullMessage, Status, Task
from tidegate.core.throttle import Answers, Throttle

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
NAME = QueueName.of("p", "l", "q")
LIMITS = RateLimits(10.0, 10, 5)
EMPTY = Flow(TokenBucket(0.0, NOON))
FULL = Flow(TokenBucket(10.0, NOON))
NOTHING = Hold(Code.DUE_NOW)


def queue(**settings: Any) -> Queue:
    return Queue(name=NAME, **{"rate_limits": LIMITS, **settings})


def task(due: datetime = NOON, **fields: Any) -> Task:
    target = fields.pop("target", HttpRequest("https://handler.test/"))
    return Task(name=NAME.task("t"), target=target, schedule_time=due, create_time=NOON - HOUR, **fields)


def explained(**fields: Any) -> Explanation:
    usual = {"time": NOON, "queue": queue(), "flow": FULL, "task": task(), "ahead": [], "hold": NOTHING}
    return explain_task(Situation(**{**usual, **fields}))


def codes(explanation: Explanation) -> list[Code]:
    return [reason.code for reason in explanation.reasons]


def test_nothing_stands_in_the_way_of_a_task_that_is_due() -> None:
    said = explained()
    assert (said.state, codes(said), said.will_run_time) == (State.DUE, [Code.DUE_NOW], NOON)


def test_a_task_that_is_scheduled_waits_for_its_time() -> None:
    said = explained(task=task(NOON + HOUR))
    assert (said.state, codes(said), said.will_run_time) == (State.SCHEDULED, [Code.NOT_YET_DUE], NOON + HOUR)
    (reason,) = said.reasons
    assert (reason.since, reason.until) == (NOON - HOUR, NOON + HOUR)
    assert reason.text == "It is due at 2026-03-01T13:00:00Z, in 3600s."


@pytest.mark.parametrize(("attempts", "left"), [(5, "2 of 5"), (-1, "any number"), (3, "0 of 3")])
def test_a_task_that_failed_says_with_what_and_how_often_it_is_tried_yet(attempts: int, left: str) -> None:
    failed = Attempt(NOON, NOON, NOON, Status(StatusCode.UNAVAILABLE, "UNAVAILABLE(14): HTTP status code 503"), 503)
    said = explained(
        queue=queue(retry_config=RetryConfig(max_attempts=attempts)),
        task=task(NOON + 8 * SECOND, dispatch_count=3, last_attempt=failed),
    )
    assert (codes(said), said.will_run_time) == ([Code.BACKING_OFF], NOON + 8 * SECOND)
    (reason,) = said.reasons
    assert reason.text == (
        "Attempt 3 failed with UNAVAILABLE(14): HTTP status code 503; the next one starts at 2026-03-01T12:00:08Z, in"
        f" 8s. Attempts left: {left}."
    )
    assert reason.details["attempt"] == "3"
    assert (reason.since, reason.until) == (NOON, NOON + 8 * SECOND)


@pytest.mark.parametrize(
    ("state", "code"), [(QueueState.PAUSED, Code.QUEUE_PAUSED), (QueueState.DISABLED, Code.QUEUE_DISABLED)]
)
def test_a_queue_that_starts_nothing_decides_before_all_else(state: QueueState, code: Code) -> None:
    held = Hold(code, since=NOON - HOUR)
    said = explained(queue=queue(state=state), task=task(NOON + HOUR), hold=held)
    assert (codes(said), said.will_run_time) == ([code, Code.NOT_YET_DUE], None)
    assert said.reasons[0].since == NOON - HOUR
    said = explained(queue=queue(state=state), hold=NOTHING)
    assert (said.state, codes(said), said.reasons[0].since) == (State.DUE, [code], None)


def test_a_task_behind_others_starts_when_tokens_for_all_of_them_are_there() -> None:
    held = Hold(Code.RATE_LIMITED, NOON - SECOND, NOON + SECOND / 10)
    said = explained(flow=EMPTY, hold=held, ahead=[NOON] * 4)
    (reason,) = said.reasons
    assert reason.code is Code.RATE_LIMITED
    assert said.will_run_time is not None
    assert NOON + SECOND / 2 <= said.will_run_time <= NOON + SECOND / 2 + SECOND / 100
    assert (reason.since, reason.until) == (NOON - SECOND, said.will_run_time)
    assert reason.text.endswith("the next token is there at 2026-03-01T12:00:00.100Z. 4 tasks wait before this one.")
    assert reason.details == {"rate": "10", "tokens": "0.000", "ahead": "4"}


def test_a_scheduled_task_behind_a_backlog_says_both() -> None:
    held = Hold(Code.RATE_LIMITED, NOON - SECOND, NOON + SECOND / 10)
    said = explained(flow=EMPTY, hold=held, ahead=[NOON] * 99, task=task(NOON + SECOND))
    assert (said.state, codes(said)) == (State.SCHEDULED, [Code.NOT_YET_DUE, Code.RATE_LIMITED])
    assert said.will_run_time is not None
    assert abs(said.will_run_time - NOON - 10 * SECOND) < SECOND / 50


def test_how_many_wait_before_it_is_counted_up_to_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_rules, "MOST_AHEAD", 3)
    held = Hold(Code.RATE_LIMITED, NOON, NOON + SECOND)
    said = explained(flow=EMPTY, hold=held, ahead=[NOON] * 3)
    assert said.will_run_time is None
    assert said.reasons[0].text.endswith("3 or more tasks wait before this one.")


def test_a_slowed_queue_says_how_far_and_since_which_answers() -> None:
    throttle = Throttle(0.5, NOON, NOON, (Answers(0, 8, 7), Answers(1, 2, 2)))
    held = Hold(Code.THROTTLED, NOON, NOON + SECOND / 5)
    said = explained(flow=replace(EMPTY, throttle=throttle), hold=held)
    (reason,) = said.reasons
    assert "(9 of 10 in 10 s)" in reason.text
    assert "slowed to 50% of its rate, 5 a second" in reason.text
    assert reason.details == {"rate": "5", "tokens": "0.000", "factor": "0.500", "ended": "10", "failed": "9"}
    assert said.will_run_time == NOON + SECOND / 5


def test_a_full_queue_names_its_longest_attempts() -> None:
    held = Hold(Code.CONCURRENCY_FULL, NOON - SECOND)
    flow = replace(FULL, in_flight=5)
    said = explained(hold=held, flow=flow, longest=[Longest(NAME.task("slow"), NOON - HOUR)])
    (reason,) = said.reasons
    assert reason.text == "5 of 5 attempts that the queue allows are under way; one has to end first."
    assert reason.details["longest_1"] == f"{NAME}/tasks/slow"
    assert reason.details["longest_1_since"] == "2026-03-01T11:00:00Z"
    assert (said.will_run_time, reason.since) == (None, NOON - SECOND)


@pytest.mark.parametrize(
    ("code", "knows_when"),
    [
        (Code.RAMPING_UP, True),
        (Code.OPENING_CONNECTIONS, True),
        (Code.SERVER_FULL, False),
        (Code.DISK_FULL, False),
        (Code.DRAINING, False),
        (Code.OWNED_BY_NOBODY, False),
    ],
)
def test_what_else_holds_a_queue(code: Code, knows_when: bool) -> None:
    said = explained(hold=Hold(code, NOON, NOON + SECOND / 1000))
    assert (said.state, codes(said)) == (State.DUE, [code])
    assert said.will_run_time == (NOON + SECOND / 1000 if knows_when else None)
    assert said.reasons[0].text.endswith(".")
    assert codes(explained(hold=Hold(code, NOON, NOON + SECOND), task=task(NOON + HOUR))) == [Code.NOT_YET_DUE]


def test_an_attempt_under_way_has_a_deadline() -> None:
    running = task(dispatched_at=NOON - SECOND, dispatch_count=2, dispatch_deadline=30 * SECOND)
    said = explained(task=running)
    (reason,) = said.reasons
    assert (said.state, reason.code, said.will_run_time) == (State.IN_FLIGHT, Code.IN_FLIGHT, None)
    assert (reason.since, reason.until, reason.details) == (NOON - SECOND, NOON + 29 * SECOND, {"attempt": "2"})


def test_what_the_next_attempt_would_meet_comes_after_what_it_waits_for() -> None:
    forbidden = Reason(Code.FORBIDDEN_ADDRESS, "Not allowed.")
    assert codes(explained(troubles=[forbidden])) == [Code.FORBIDDEN_ADDRESS]
    assert codes(explained(troubles=[forbidden], task=task(NOON + HOUR))) == [Code.NOT_YET_DUE, Code.FORBIDDEN_ADDRESS]


def test_a_pull_task_is_leased_or_may_be_or_never_again() -> None:
    pull = queue(kind=Kind.PULL, retry_config=RetryConfig(max_attempts=3))
    message = {"target": PullMessage()}

    def said(due: datetime, leases: int, **settings: Any) -> Explanation:
        return explained(queue=replace(pull, **settings), task=task(due, dispatch_count=leases, **message))

    leased = said(NOON + SECOND, 2)
    assert (leased.state, codes(leased), leased.reasons[0].until) == (State.LEASED, [Code.LEASED], NOON + SECOND)
    assert leased.reasons[0].details == {"leases": "2", "leases_left": "1"}
    later = said(NOON + SECOND, 0)
    assert (later.state, codes(later)) == (State.SCHEDULED, [Code.NOT_YET_DUE])
    lost = said(NOON, 3)
    assert (lost.state, codes(lost)) == (State.DUE, [Code.NO_LEASES_LEFT])
    free = said(NOON, 1)
    assert (free.state, codes(free)) == (State.DUE, [Code.DUE_NOW])
    paused = said(NOON, 1, state=QueueState.PAUSED)
    assert codes(paused) == [Code.QUEUE_PAUSED]
    assert codes(said(NOON + SECOND, 1, state=QueueState.PAUSED)) == [Code.LEASED]
    assert said(NOON, 1, retry_config=RetryConfig(max_attempts=-1)).will_run_time is None


def test_of_a_task_that_is_not_there() -> None:
    assert (finished_or_deleted().state, codes(finished_or_deleted())) == (
        State.FINISHED_OR_DELETED,
        [Code.FINISHED_OR_DELETED],
    )
    assert (never_existed().state, codes(never_existed())) == (State.UNKNOWN, [Code.NEVER_EXISTED])


# A queue


def of_queue(**fields: Any) -> Explanation:
    usual = {"time": NOON, "queue": queue(), "flow": FULL, "tasks": 1, "next_due": NOON, "hold": NOTHING}
    return explain_queue(QueueSituation(**{**usual, **fields}))


def test_a_queue_is_as_the_task_at_its_head() -> None:
    due = of_queue()
    assert (due.state, codes(due), due.will_run_time) == (State.DUE, [Code.DUE_NOW], NOON)
    later = of_queue(next_due=NOON + HOUR)
    assert (later.state, codes(later), later.will_run_time) == (State.SCHEDULED, [Code.NOT_YET_DUE], NOON + HOUR)
    held = of_queue(hold=Hold(Code.RATE_LIMITED, NOON, NOON + SECOND))
    assert (held.state, codes(held), held.will_run_time) == (State.DUE, [Code.RATE_LIMITED], NOON + SECOND)
    full = of_queue(hold=Hold(Code.CONCURRENCY_FULL, NOON))
    assert (codes(full), full.will_run_time) == ([Code.CONCURRENCY_FULL], None)
    under_way = of_queue(next_due=None, longest=[Longest(NAME.task("t"), NOON)])
    assert (under_way.state, codes(under_way), under_way.reasons[0].since) == (State.IN_FLIGHT, [Code.IN_FLIGHT], NOON)
    empty = of_queue(next_due=None, tasks=0)
    assert (empty.state, codes(empty), empty.will_run_time) == (State.UNKNOWN, [Code.DUE_NOW], None)


def test_a_queue_that_starts_nothing_says_so_first() -> None:
    paused = queue(state=QueueState.PAUSED)
    assert codes(of_queue(queue=paused)) == [Code.QUEUE_PAUSED]
    assert codes(of_queue(queue=paused, next_due=NOON + HOUR)) == [Code.QUEUE_PAUSED, Code.NOT_YET_DUE]
    assert codes(of_queue(queue=paused, next_due=None, tasks=0)) == [Code.QUEUE_PAUSED]
    assert of_queue(queue=paused).will_run_time is None
    pull = of_queue(queue=queue(kind=Kind.PULL))
    assert (codes(pull), pull.will_run_time) == ([Code.DUE_NOW], None)


# When


def test_a_task_without_others_starts_at_its_time() -> None:
    assert start_time(FULL, LIMITS, [NOON + HOUR], NOON) == NOON + HOUR
    assert start_time(FULL, LIMITS, [NOON - HOUR], NOON + SECOND) == NOON + SECOND


def test_the_burst_starts_at_once_and_the_rest_at_the_rate() -> None:
    limits = RateLimits(1.0, 10, 100)
    due = [NOON - SECOND] * 15
    assert start_time(FULL, limits, due[:10], NOON) == NOON
    last = start_time(FULL, limits, due, NOON)
    assert timedelta() <= last - (NOON + 5 * SECOND) <= timedelta(microseconds=10)


def test_tokens_gather_while_nothing_is_due() -> None:
    limits = RateLimits(1.0, 3, 100)
    bare = Flow(TokenBucket(0.0, NOON))
    assert start_time(bare, limits, [NOON + HOUR] * 3, NOON) == NOON + HOUR
    late = start_time(bare, limits, [NOON + HOUR] * 4, NOON) - NOON - HOUR
    assert SECOND <= late <= SECOND + timedelta(microseconds=10)


def test_a_long_backlog_goes_by_the_rate_in_the_end() -> None:
    limits = RateLimits(1.0, 1, 100)
    count = 3 * MOST_LOOKS
    last = start_time(EMPTY, limits, [NOON] * count, NOON)
    assert abs(last - NOON - count * SECOND) < 3 * SECOND


def test_a_rate_next_to_nothing_is_no_error() -> None:
    limits = RateLimits(1e-300, 1, 1)
    assert start_time(EMPTY, limits, [NOON] * 3, NOON) > NOON + timedelta(days=10_000)
