from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.examples import NOON, SECOND, queue, task

from tidegate.core.backoff import RetryLimit
from tidegate.core.errors import Code
from tidegate.core.lifecycle import (
    Gone,
    Outcome,
    Retry,
    code_of,
    judge,
    response_status,
)
from tidegate.core.queue import RetryConfig
from tidegate.core.task import Attempt, Status
from tidegate.core.times import Duration


@pytest.mark.parametrize(
    ("http_status", "code", "text"),
    [
        (400, 3, "INVALID_ARGUMENT(3): HTTP status code 400"),
        (401, 16, "UNAUTHENTICATED(16): HTTP status code 401"),
        (403, 7, "PERMISSION_DENIED(7): HTTP status code 403"),
        (404, 5, "NOT_FOUND(5): HTTP status code 404"),
        (409, 10, "ABORTED(10): HTTP status code 409"),
        (429, 8, "RESOURCE_EXHAUSTED(8): HTTP status code 429"),
        (499, 1, "CANCELLED(1): HTTP status code 499"),
        (405, 9, "FAILED_PRECONDITION(9): HTTP status code 405"),
        (410, 9, "FAILED_PRECONDITION(9): HTTP status code 410"),
        (418, 9, "FAILED_PRECONDITION(9): HTTP status code 418"),
        (500, 13, "INTERNAL(13): HTTP status code 500"),
        (501, 12, "UNIMPLEMENTED(12): HTTP status code 501"),
        (502, 13, "INTERNAL(13): HTTP status code 502"),
        (503, 14, "UNAVAILABLE(14): HTTP status code 503"),
        (504, 4, "DEADLINE_EXCEEDED(4): HTTP status code 504"),
        (505, 13, "INTERNAL(13): HTTP status code 505"),
        (507, 13, "INTERNAL(13): HTTP status code 507"),
        (302, 2, "UNKNOWN(2): HTTP status code 302"),
        (600, 2, "UNKNOWN(2): HTTP status code 600"),
        (0, 2, "UNKNOWN(2): HTTP status code 0"),
    ],
)
def test_an_answer_becomes_a_code_and_a_text(http_status: int, code: int, text: str) -> None:
    assert response_status(Outcome(http_status)) == Status(Code(code), text)


def test_a_timeout_reads_as_504() -> None:
    expected = Status(Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED(4): HTTP status code 504")
    assert response_status(Outcome(timed_out=True)) == expected


def test_a_forbidden_address_gives_its_reason() -> None:
    outcome = Outcome(forbidden=True, reason="10.0.0.1 is not a public address")
    expected = Status(Code.PERMISSION_DENIED, "PERMISSION_DENIED(7): 10.0.0.1 is not a public address")
    assert response_status(outcome) == expected


@given(st.integers(0, 999))
def test_only_200_to_299_succeed(http_status: int) -> None:
    assert Outcome(http_status).succeeded == (code_of(http_status) is Code.OK) == (200 <= http_status <= 299)


@pytest.mark.parametrize("http_status", [200, 204, 299])
def test_a_task_that_succeeds_is_gone(http_status: int) -> None:
    assert judge(task(), queue(), Outcome(http_status), NOON) == Gone()


def test_a_task_that_fails_is_due_again_after_its_backoff() -> None:
    started, ended = NOON + SECOND, NOON + 3 * SECOND
    running = task(dispatched_at=started, first_dispatch_time=started)
    verdict = judge(running, queue(), Outcome(503), ended)
    assert verdict == Retry(
        replace(
            running,
            schedule_time=ended + timedelta(seconds=0.1),
            dispatched_at=None,
            answer_count=1,
            last_attempt=Attempt(
                schedule_time=NOON,
                dispatch_time=started,
                response_time=ended,
                status=Status(Code.UNAVAILABLE, "UNAVAILABLE(14): HTTP status code 503"),
                http_status=503,
            ),
        )
    )


@pytest.mark.parametrize(
    ("outcome", "responses", "answers"),
    [
        (Outcome(404), 1, 1),
        (Outcome(302), 1, 1),
        (Outcome(500), 0, 1),
        (Outcome(599), 0, 1),
        (Outcome(600), 1, 1),
        (Outcome(timed_out=True), 0, 0),
        (Outcome(), 0, 0),
        (Outcome(forbidden=True), 0, 0),
    ],
)
def test_answers_are_counted_with_and_without_those_that_blame_the_server(
    outcome: Outcome, responses: int, answers: int
) -> None:
    verdict = judge(task(), queue(), outcome, NOON)
    assert isinstance(verdict, Retry)
    assert (verdict.task.response_count, verdict.task.answer_count) == (responses, answers)


def test_the_recorded_sequence_of_answers_counts_as_recorded() -> None:
    current, seen = task(), []
    for http_status in (503, 404, 429, 500, 302):
        seen.append((current.dispatch_count - 1, current.response_count, current.answer_count))
        verdict = judge(current, queue(), Outcome(http_status), NOON)
        assert isinstance(verdict, Retry)
        current = replace(verdict.task, dispatch_count=verdict.task.dispatch_count + 1, dispatched_at=NOON)
    seen.append((current.dispatch_count - 1, current.response_count, current.answer_count))
    assert seen == [(0, 0, 0), (1, 0, 1), (2, 1, 2), (3, 2, 3), (4, 2, 4), (5, 3, 5)]


@pytest.mark.parametrize("http_status", [429, 503])
def test_an_answer_that_asks_for_room_is_given_it(http_status: int) -> None:
    verdict = judge(task(), queue(), Outcome(http_status, retry_after=30 * SECOND), NOON)
    assert isinstance(verdict, Retry)
    assert verdict.task.schedule_time == NOON + 30 * SECOND


def test_other_answers_may_not_ask_for_room() -> None:
    verdict = judge(task(), queue(), Outcome(500, retry_after=30 * SECOND), NOON)
    assert isinstance(verdict, Retry)
    assert verdict.task.schedule_time == NOON + timedelta(seconds=0.1)


def test_the_last_attempt_that_fails_ends_the_task() -> None:
    limited = queue(retry_config=RetryConfig(max_attempts=3))
    assert isinstance(judge(task(dispatch_count=2), limited, Outcome(500), NOON), Retry)
    assert judge(task(dispatch_count=3), limited, Outcome(500), NOON) == Gone(RetryLimit.MAX_ATTEMPTS)


def test_with_both_limits_both_must_be_reached() -> None:
    limited = queue(retry_config=RetryConfig(max_attempts=2, max_retry_duration=Duration(3)))
    assert isinstance(judge(task(dispatch_count=2), limited, Outcome(500), NOON + 2 * SECOND), Retry)
    assert isinstance(judge(task(dispatch_count=1), limited, Outcome(500), NOON + 9 * SECOND), Retry)
    assert judge(task(dispatch_count=2), limited, Outcome(500), NOON + 3 * SECOND) == Gone(RetryLimit.BOTH)


def test_time_counts_from_the_first_attempt_not_from_the_schedule() -> None:
    limited = queue(retry_config=RetryConfig(max_attempts=-1, max_retry_duration=Duration(10)))
    late = task(dispatch_count=2, first_dispatch_time=NOON + 60 * SECOND, dispatched_at=NOON + 65 * SECOND)
    assert isinstance(judge(late, limited, Outcome(500), NOON + 69 * SECOND), Retry)
    assert judge(late, limited, Outcome(500), NOON + 70 * SECOND) == Gone(RetryLimit.MAX_RETRY_DURATION)


def test_a_task_with_its_own_retry_settings_follows_them_alone() -> None:
    lenient = queue(retry_config=RetryConfig(max_attempts=100))
    strict = task(retry_config=RetryConfig(max_attempts=1))
    assert judge(strict, lenient, Outcome(500), NOON) == Gone(RetryLimit.MAX_ATTEMPTS)


def test_no_wait_leads_past_the_end_of_time() -> None:
    retry = RetryConfig(min_backoff=Duration(315_576_000_000), max_backoff=Duration(315_576_000_000))
    verdict = judge(task(retry_config=retry), queue(), Outcome(500), NOON)
    assert isinstance(verdict, Retry)
    assert verdict.task.schedule_time.year == 9999


def test_a_dispatch_counts_the_attempt_and_keeps_when_the_first_one_started() -> None:
    first = task(dispatch_count=0, dispatched_at=None, first_dispatch_time=None).dispatched(NOON)
    assert (first.dispatch_count, first.first_dispatch_time, first.dispatched_at) == (1, NOON, NOON)
    second = first.dispatched(NOON + SECOND)
    assert (second.dispatch_count, second.first_dispatch_time, second.dispatched_at) == (2, NOON, NOON + SECOND)
