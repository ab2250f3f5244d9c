"""What is refused of a task, and what it is completed with."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.examples import MINUTE, NOON, QUEUE, TASK, URL, queue
from tests.core.validation.drafts import AGENT, INVALID, UNSET_RETRY, app, checked, http, refusal, settled, stored

from tidegate.core.errors import ApiError, InvalidArgument
from tidegate.core.queue import AppEngineRouting, HttpMethod, Kind, OAuthToken, OidcToken, RetryConfig
from tidegate.core.task import AppEngineRequest, HttpRequest, PullMessage, Task
from tidegate.core.times import Duration, moment
from tidegate.core.validation import AppEngineDraft, HttpDraft, NewTask, PullDraft, TaskDraft, check_task


@pytest.mark.parametrize(
    ("draft", "text"),
    [
        (TaskDraft(), "Task.payload_type is not set."),
        (http(url=""), "HttpRequest.url is required."),
        (http(url="example.com"), "HttpTarget.url must start with 'http://' or 'https://'."),
        (http(url="ftp://example.com"), "HttpTarget.url must start with 'http://' or 'https://'."),
        (http(url=" http://a"), "HttpTarget.url must start with 'http://' or 'https://'."),
        (http(url="http://a/" + "x" * 2075), "HttpRequest.url must be at most 2083 characters long once encoded."),
        (http(url="http://a/" + "ü" * 346), "HttpRequest.url must be at most 2083 characters long once encoded."),
        (
            http(headers={f"X-{n}": "v" * 8000 for n in range(11)}),
            "HttpRequest.headers must be less than 80 KB in total.",
        ),
        (http(token=OidcToken("")), "service_account_email must be set."),
        (http(token=OAuthToken("")), "service_account_email must be set."),
        (http(token=OidcToken("a")), INVALID),
        (http(token=OidcToken("a@b@c")), INVALID),
        (app(relative_uri="a"), "AppEngineHttpRequest.relativeUri must start with '/'."),
        (app(relative_uri="/a b"), "AppEngineHttpRequest.relativeUri cannot contain spaces."),
        (app(relative_uri="/" + "a" * 2083), "AppEngineHttpRequest.relativeUri must be at most 2083 characters long."),
        (TaskDraft(target=PullDraft(tag="t" * 500)), "PullMessage.tag must be less than 500 characters."),
        (
            TaskDraft(target=HttpDraft(URL), retry_config=replace(UNSET_RETRY, max_attempts=-2)),
            "RetryConfig.maxAttempts must be greater or equal to -1.",
        ),
        (
            TaskDraft(target=HttpDraft(URL), retry_config=replace(UNSET_RETRY, min_backoff=Duration(3601))),
            "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff.",
        ),
    ],
)
def test_a_faulty_task_is_refused(draft: TaskDraft, text: str) -> None:
    assert refusal(draft) == text


@pytest.mark.parametrize(
    "draft",
    [
        http(url="http://"),
        http(url="http://a/%zz"),
        http(url="http://a b/ü"),
        http(url="http://a/" + "x" * 2074),
        http(url="http://a/" + "ü" * 345),
        http(headers={f"X-{n}": "v" * 8000 for n in range(10)}),
        app(relative_uri="/" + "a" * 2082),
        app(headers={f"X-{n}": "v" * 8000 for n in range(11)}),
        TaskDraft(target=PullDraft(tag="t" * 499)),
    ],
)
def test_an_odd_task_is_taken(draft: TaskDraft) -> None:
    checked(draft)


def test_in_a_batch_a_missing_target_has_another_text() -> None:
    with pytest.raises(InvalidArgument, match=r"^Payload type must be set\.$"):
        check_task(TaskDraft(), QUEUE, NOON, in_batch=True)


def test_the_name_is_looked_at_before_the_fields() -> None:
    assert checked(TaskDraft(TASK, HttpDraft(URL))).name == TASK
    assert checked(http()).name is None
    with pytest.raises(InvalidArgument, match=r"^Task ID \"t\.\" can contain only"):
        checked(TaskDraft(f"{QUEUE}/tasks/t."))


def test_a_plain_task_is_completed() -> None:
    now = NOON + timedelta(microseconds=1_234_567)
    assert checked(http(body=b"b", headers={"X-A": "a\n", "Host": "h"}), now) == NewTask(
        name=None,
        target=HttpRequest(URL, HttpMethod.POST, {**AGENT, "X-A": "a_"}, None),
        body=b"b",
        schedule_time=None,
        dispatch_deadline=10 * MINUTE,
        retry_config=None,
    )


@pytest.mark.parametrize(("sent", "stored"), [(0, 1), (8, 1), (-1, 1), (99, 1), *((n, n) for n in range(1, 8))])
def test_an_unspecified_or_unknown_method_is_post(sent: int, stored: int) -> None:
    target = checked(http(method=sent)).target
    assert isinstance(target, HttpRequest)
    assert target.http_method == stored
    target = checked(app(method=sent)).target
    assert isinstance(target, AppEngineRequest)
    assert target.http_method == stored


BODIES = {
    HttpMethod.POST: (True, True),
    HttpMethod.GET: (False, False),
    HttpMethod.HEAD: (False, False),
    HttpMethod.PUT: (True, True),
    HttpMethod.DELETE: (False, False),
    HttpMethod.PATCH: (True, False),
    HttpMethod.OPTIONS: (False, False),
}


@pytest.mark.parametrize("method", HttpMethod)
def test_a_body_goes_with_some_methods_only(method: HttpMethod) -> None:
    text = "Body can only be set if the http_method is POST, PUT, or PATCH."
    for draft, allowed in zip((http, app), BODIES[method], strict=True):
        checked(draft(method=method))
        if allowed:
            assert checked(draft(method=method, body=b"b")).body == b"b"
        else:
            assert refusal(draft(method=method, body=b"b")) == text


def test_retry_settings_of_a_task_are_completed_with_the_usual_defaults() -> None:
    draft = TaskDraft(target=HttpDraft(URL), retry_config=replace(UNSET_RETRY, max_attempts=3))
    assert checked(draft).retry_config == RetryConfig(3, Duration(), Duration(0, 100_000_000), Duration(3600), 16)


def test_an_app_engine_task_is_completed() -> None:
    assert checked(app(relative_uri="/a", body=b"b", routing=AppEngineRouting("s", host="evil"))) == NewTask(
        name=None,
        target=AppEngineRequest(
            HttpMethod.POST,
            "/a",
            {
                "User-Agent": "AppEngine-Google; (+http://code.google.com/appengine)",
                "Content-Type": "application/octet-stream",
                "Content-Length": "1",
            },
            AppEngineRouting("s", host="s.p.appspot.com"),
        ),
        body=b"b",
        schedule_time=None,
        dispatch_deadline=None,
        retry_config=None,
    )


def test_an_app_engine_task_without_routing_still_shows_its_host() -> None:
    target = checked(app()).target
    assert isinstance(target, AppEngineRequest)
    assert target.routing == AppEngineRouting(host="p.appspot.com")
    assert target.headers == {"User-Agent": "AppEngine-Google; (+http://code.google.com/appengine)"}


def test_a_settled_task_is_what_was_checked_under_its_name() -> None:
    draft = http(body=b"b", token=OidcToken("a@b", "x"))
    assert settled(draft) == Task(
        name=TASK,
        target=HttpRequest(URL, HttpMethod.POST, AGENT, OidcToken("a@b", "x")),
        schedule_time=NOON,
        create_time=NOON,
        dispatch_deadline=10 * MINUTE,
        body=b"b",
    )


def test_a_queue_takes_tasks_of_its_own_kind() -> None:
    pull, push = checked(TaskDraft(target=PullDraft(b"p"))), checked(http())
    assert stored(pull, queue(kind=Kind.PULL), TASK).target == PullMessage()
    with pytest.raises(InvalidArgument, match=r"^Task\.pull_message must be set for a task in a pull queue\.$"):
        stored(push, queue(kind=Kind.PULL), TASK)
    with pytest.raises(InvalidArgument, match=r"^Task\.pull_message can only be set for a task in a pull queue\.$"):
        stored(pull, queue(), TASK)


TEXT = st.text(max_size=20)
TOKENS = st.none() | st.builds(OidcToken, TEXT, TEXT) | st.builds(OAuthToken, TEXT, TEXT)
HEADERS = st.dictionaries(TEXT, TEXT, max_size=4)
TARGETS = (
    st.builds(
        HttpDraft, TEXT.map("https://{}".format) | TEXT, st.integers(-1, 9), HEADERS, st.binary(max_size=3), TOKENS
    )
    | st.builds(AppEngineDraft, TEXT.map("/{}".format) | TEXT, st.integers(-1, 9), HEADERS, st.binary(max_size=3))
    | st.builds(PullDraft, st.binary(max_size=3), TEXT)
    | st.none()
)


@given(st.builds(TaskDraft, TEXT.map(f"{QUEUE}/tasks/{{}}".format) | TEXT, TARGETS))
def test_no_task_ever_raises_anything_but_an_api_error(draft: TaskDraft) -> None:
    try:
        task = stored(checked(draft), queue(), TASK)
    except ApiError:
        return
    assert task.schedule_time == NOON
    assert moment(0) < task.create_time


def test_tasks_of_one_url_method_and_headers_share_their_target() -> None:
    one, other = (checked(http(url="https://a.b/c", headers={"X-A": "b"}, body=body)) for body in (b"1", b"2"))
    assert one.target is other.target
    assert checked(http(url="https://a.b/c", headers={"X-A": "c"})).target != one.target
    with_token = checked(http(url="https://a.b/c", headers={"X-A": "b"}, token=OidcToken("a@b", "x")))
    assert isinstance(one.target, HttpRequest)
    assert with_token.target == replace(one.target, token=OidcToken("a@b", "x"))
    assert one.target.token is None
