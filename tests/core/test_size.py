from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.examples import NOON, QUEUE, TASK

from tidegate.core.names import TaskName
from tidegate.core.queue import AppEngineRouting, OAuthToken, OidcToken, Queue, RetryConfig
from tidegate.core.size import TASK_SIZE_MAX, is_too_large, size_bound, stored_size
from tidegate.core.task import AppEngineRequest, HttpRequest, PullMessage, Target, Task
from tidegate.core.times import Duration, micros, whole_second
from tidegate.core.validation import HttpDraft, TaskDraft, check_task, settle_target
from tidegate.schema import v2, v2beta3
from tidegate.schema.rpc import raw


def put(into: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(into, name, value)


def stored_message(task: Task) -> Any:
    """The v2 message of a task right after its creation, in the FULL view; a pull task's is v2beta3's."""
    message = raw(v2beta3.Task if isinstance(task.target, PullMessage) else v2.Task)(name=task.name, view=2)
    target = task.target
    if isinstance(target, HttpRequest):
        into = message.http_request
        put(into, url=target.url, http_method=target.http_method, body=task.body)
        into.headers.update(target.headers)
        if isinstance(target.token, OAuthToken):
            put(into.oauth_token, service_account_email=target.token.service_account_email, scope=target.token.scope)
        elif target.token is not None:
            token = target.token
            put(into.oidc_token, service_account_email=token.service_account_email, audience=token.audience)
    elif isinstance(target, AppEngineRequest):
        into = message.app_engine_http_request
        put(into, relative_uri=target.relative_uri, http_method=target.http_method, body=task.body)
        into.headers.update(target.headers)
        into.app_engine_routing.SetInParent()
        routing = target.routing
        put(
            into.app_engine_routing,
            service=routing.service,
            version=routing.version,
            instance=routing.instance,
            host=routing.host,
        )
    else:
        message.pull_message.SetInParent()
        put(message.pull_message, payload=task.body, tag=target.tag)
    message.schedule_time.FromMicroseconds(micros(task.schedule_time))
    message.create_time.FromMicroseconds(micros(task.create_time))
    if task.dispatch_deadline is not None:
        message.dispatch_deadline.FromTimedelta(task.dispatch_deadline)
    if task.retry_config is not None:
        retry = task.retry_config
        into = message.retry_config
        put(into, max_attempts=retry.max_attempts, max_doublings=retry.max_doublings)
        put(into.min_backoff, seconds=retry.min_backoff.seconds, nanos=retry.min_backoff.nanos)
        put(into.max_backoff, seconds=retry.max_backoff.seconds, nanos=retry.max_backoff.nanos)
        if retry.max_retry_duration.seconds:
            into.max_retry_duration.seconds = retry.max_retry_duration.seconds
    return message


TEXT = st.text(st.characters(codec="utf-8"), max_size=200)
TOKENS = st.none() | st.builds(OidcToken, TEXT, TEXT) | st.builds(OAuthToken, TEXT, TEXT)
HEADERS = st.dictionaries(TEXT, TEXT, max_size=5)
METHODS = st.integers(1, 7)
ROUTINGS = st.builds(AppEngineRouting, TEXT, TEXT, TEXT, TEXT)
TARGETS = (
    st.builds(HttpRequest, TEXT, METHODS, HEADERS, TOKENS)
    | st.builds(AppEngineRequest, METHODS, TEXT, HEADERS, ROUTINGS)
    | st.builds(PullMessage, TEXT)
)
DURATIONS = st.builds(Duration, st.integers(0, 10**6), st.integers(0, 999_999_999))
RETRIES = st.none() | st.builds(
    RetryConfig,
    st.integers(-1, 2**31 - 1),
    st.builds(Duration, st.integers(0, 10**6)),
    DURATIONS,
    DURATIONS,
    st.integers(1, 2**31 - 1),
)
TIMES = st.timedeltas(timedelta(days=-50_000), timedelta(days=50_000))


@given(TARGETS, st.binary(max_size=20_000), TIMES, TIMES, st.none() | TIMES.map(abs), RETRIES)
def test_the_size_is_that_of_the_message(
    target: Target,
    body: bytes,
    due: timedelta,
    made: timedelta,
    deadline: timedelta | None,
    retry: RetryConfig | None,
) -> None:
    task = Task(
        name=TASK,
        target=target,
        body=body,
        schedule_time=NOON + due,
        create_time=NOON + made,
        dispatch_deadline=deadline,
        retry_config=retry,
    )
    assert stored_size(task) == stored_message(task).ByteSize()
    assert not too_large(task)


def too_large(task: Task) -> bool:
    return is_too_large(task, size_bound(task.target))


def recorded(name: str, body: int, url: str = "https://example.com/hook") -> Task:
    """The recorded probe: one header of 1000 characters, a schedule time with microseconds, no content type."""
    now = NOON + timedelta(microseconds=123_456)
    draft = TaskDraft(name, HttpDraft(url, 1, {"X-Header": "v" * 1000}, b"x" * body))
    new = check_task(draft, QUEUE, now)
    return new.stored(TaskName(name), settle_target(new.target, Queue(name=QUEUE)), now, whole_second(now))


def test_the_largest_recorded_task_is_taken_and_one_byte_more_is_not() -> None:
    name = f"{QUEUE}/tasks/t12"
    most = 1_047_453 - len(f"{QUEUE}/tasks/t")
    assert stored_size(recorded(name, most)) == TASK_SIZE_MAX == 1_048_571
    assert not too_large(recorded(name, most))
    assert too_large(recorded(name, most + 1))


@pytest.mark.parametrize("character", ["a", "ü", "漢", "🌊"])
def test_the_limit_counts_bytes_wherever_they_are(character: str) -> None:
    length = len(character.encode())

    def tagged(count: int) -> Task:
        token = OidcToken("a@b", character * count)
        return Task(name=TASK, target=HttpRequest("https://a/", token=token), schedule_time=NOON, create_time=NOON)

    rest = stored_size(tagged(400_000 // length)) - 400_000 // length * length
    most = (TASK_SIZE_MAX - rest - 8) // length
    for count in range(most - 8, most + 16):
        assert too_large(tagged(count)) is (stored_message(tagged(count)).ByteSize() > TASK_SIZE_MAX)
