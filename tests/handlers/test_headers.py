"""What the headers of a task say, in every framework's spelling."""

from datetime import UTC, datetime

import pytest

from tidegate.handlers import NotATaskError, RetryLater, TaskRequest, retry_after

HEADERS = {
    "X-CloudTasks-QueueName": "mail",
    "X-CloudTasks-TaskName": "t1",
    "X-CloudTasks-TaskRetryCount": "2",
    "X-CloudTasks-TaskExecutionCount": "1",
    "X-CloudTasks-TaskETA": "1767268800.5",
    "X-CloudTasks-TaskPreviousResponse": "503",
    "X-CloudTasks-TaskRetryReason": "HTTP status code 503",
}


def spelled(headers: dict[str, str], how: str) -> dict[str, str]:
    if how == "wsgi":
        return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {getattr(name, how)(): value for name, value in headers.items()}


@pytest.mark.parametrize("how", ["lower", "upper", "title", "wsgi"])
def test_the_headers_are_read_with_types(how: str) -> None:
    assert TaskRequest.from_headers(spelled(HEADERS, how)) == TaskRequest(
        queue="mail",
        task="t1",
        retry_count=2,
        execution_count=1,
        eta=datetime(2026, 1, 1, 12, 0, 0, 500_000, tzinfo=UTC),
        previous_response=503,
        retry_reason="HTTP status code 503",
        app_engine=False,
    )


def test_app_engine_tasks_have_headers_of_their_own() -> None:
    task = TaskRequest.from_headers({"X-AppEngine-TaskName": "t1", "X-AppEngine-QueueName": "mail"})
    assert (task.app_engine, task.task, task.retry_count, task.eta) == (True, "t1", 0, None)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"X-CloudTasks-TaskName": "t", "X-CloudTasks-TaskRetryCount": "many"},
        {"X-CloudTasks-TaskName": "t", "X-CloudTasks-TaskETA": "1e99"},
    ],
)
def test_a_request_of_no_task_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(NotATaskError):
        TaskRequest.from_headers(headers)


def test_another_try_is_asked_for_in_whole_seconds() -> None:
    with pytest.raises(RetryLater) as raised:
        retry_after(1.2, "busy")
    assert (raised.value.status, raised.value.headers) == (503, {"Retry-After": "2"})
    assert RetryLater.flask(raised.value) == ("busy", 503, {"Retry-After": "2"})
    assert RetryLater().headers == {}


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_wait_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="seconds must be"):
        RetryLater(seconds)
