from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.examples import DAY, HOUR, MINUTE, NOON, QUEUE, SECOND, TASK, URL, queue

from tidegate.core.errors import ApiError, InvalidArgument
from tidegate.core.names import TaskName
from tidegate.core.queue import (
    AppEngineRouting,
    HttpMethod,
    HttpTarget,
    Kind,
    OAuthToken,
    OidcToken,
    Queue,
    RetryConfig,
    Token,
    UriOverride,
)
from tidegate.core.task import AppEngineRequest, HttpRequest, PullMessage, Task
from tidegate.core.times import Duration, moment
from tidegate.core.validation import (
    AppEngineDraft,
    HttpDraft,
    NewTask,
    PullDraft,
    TaskDraft,
    check_task,
    settle_target,
)
from tidegate.core.validation.schedule import pacific

AGENT = {"User-Agent": "Google-Cloud-Tasks"}
UNSET_RETRY = RetryConfig(0, Duration(), Duration(), Duration(), 0)
INVALID = "Request contains an invalid argument."


def http(**changes: Any) -> TaskDraft:
    return TaskDraft(target=HttpDraft(**{"url": URL, **changes}))


def app(**changes: Any) -> TaskDraft:
    return TaskDraft(target=AppEngineDraft(**changes))


def timed(when: tuple[int, int]) -> TaskDraft:
    return TaskDraft(target=HttpDraft(URL), schedule_time=when)


def limited(deadline: Duration | None, target: Any = None) -> TaskDraft:
    return TaskDraft(target=target or HttpDraft(URL), dispatch_deadline=deadline)


def checked(draft: TaskDraft, now: datetime = NOON) -> NewTask:
    return check_task(draft, QUEUE, now)


def refusal(draft: TaskDraft) -> str:
    with pytest.raises(InvalidArgument) as caught:
        checked(draft)
    assert caught.value.details == ()
    return caught.value.message


def stored(new: NewTask, where: Queue, name: TaskName, **settings: Any) -> Task:
    return new.stored(name, settle_target(new.target, where, **settings), NOON, NOON)


def settled(draft: TaskDraft, token: Token | None = None, **settings: Any) -> Task:
    routing = None if token is None else HttpTarget(UriOverride(host="elsewhere.example"), token=token)
    return stored(checked(draft), queue(http_target=routing), TASK, **settings)


def token_of(task: Task) -> Token | None:
    assert isinstance(task.target, HttpRequest)
    return task.target.token


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


# --- schedule time ----------------------------------------------------------------------------------------------------

NOON_SECONDS = int(NOON.timestamp())


@pytest.mark.parametrize(
    "when",
    [None, (NOON_SECONDS, 0), (NOON_SECONDS - 1, 999_999_999), (0, 0), (-1, 0), (-62_135_596_801, 5), (-(2**63), 0)],
)
def test_no_time_or_one_that_has_passed_is_now(when: tuple[int, int] | None) -> None:
    draft = TaskDraft(target=HttpDraft(URL), schedule_time=when)
    assert checked(draft).schedule_time is None
    assert settled(draft).schedule_time == NOON


def test_a_time_to_come_is_cut_to_microseconds() -> None:
    assert checked(timed((NOON_SECONDS + 1, 123_456_999))).schedule_time == NOON + timedelta(microseconds=1_123_456)
    assert checked(timed((NOON_SECONDS, 999))).schedule_time == NOON


def test_a_time_may_be_720_hours_ahead_and_not_a_nanosecond_more() -> None:
    last = NOON_SECONDS + 720 * 3600
    assert checked(timed((last, 0))).schedule_time == NOON + 720 * HOUR
    assert refusal(timed((last, 1))) == (
        "The Task.scheduleTime, 2026-07-31T05:00:00.000000001-07:00, is too far in the future. "
        "Schedule time must be no more than 720h in the future."
    )


@pytest.mark.parametrize("when", [(253_402_300_800, 0), (2**63 - 1, 0), (NOON_SECONDS, -1), (NOON_SECONDS, 10**9)])
def test_a_time_that_is_none_is_refused(when: tuple[int, int]) -> None:
    assert refusal(timed(when)) == INVALID


@pytest.mark.parametrize(
    ("when", "nanos", "text"),
    [
        (datetime(2100, 1, 1, tzinfo=UTC), 0, "2099-12-31T16:00:00-08:00"),
        (datetime(2100, 1, 1, tzinfo=UTC), 500_000_000, "2099-12-31T16:00:00.5-08:00"),
        (datetime(2100, 1, 1, tzinfo=UTC), 1, "2099-12-31T16:00:00.000000001-08:00"),
        (datetime(2027, 7, 1, tzinfo=UTC), 120_000_000, "2027-06-30T17:00:00.12-07:00"),
        (datetime(2027, 3, 14, 9, 59, 59, tzinfo=UTC), 0, "2027-03-14T01:59:59-08:00"),
        (datetime(2027, 3, 14, 10, tzinfo=UTC), 0, "2027-03-14T03:00:00-07:00"),
        (datetime(2027, 11, 7, 8, 59, 59, tzinfo=UTC), 0, "2027-11-07T01:59:59-07:00"),
        (datetime(2027, 11, 7, 9, tzinfo=UTC), 0, "2027-11-07T01:00:00-08:00"),
        (datetime(2026, 11, 1, 9, tzinfo=UTC), 0, "2026-11-01T01:00:00-08:00"),
        (datetime(2026, 3, 8, 10, tzinfo=UTC), 0, "2026-03-08T03:00:00-07:00"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), 999_999_999, "9999-12-31T15:59:59.999999999-08:00"),
    ],
)
def test_a_time_is_shown_as_in_california(when: datetime, nanos: int, text: str) -> None:
    assert pacific(int(when.timestamp()), nanos) == text


@given(st.integers(1_173_600_000, 2_140_000_000))  # from the summer time of 2007 to what zone databases write out
def test_california_is_where_the_zone_database_says(seconds: int) -> None:
    try:
        zone = ZoneInfo("America/Los_Angeles")
    except ZoneInfoNotFoundError:
        pytest.skip("no zone database on this machine")
    assert pacific(seconds, 0) == datetime.fromtimestamp(seconds, zone).isoformat()


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**31), 2**31 - 1))
def test_any_time_is_settled_or_refused(seconds: int, nanos: int) -> None:
    try:
        due = checked(timed((seconds, nanos))).schedule_time
    except ApiError:
        return
    assert due is None or NOON <= due <= NOON + 720 * HOUR


# --- dispatch deadline ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (None, 10 * MINUTE),
        (Duration(15), 15 * SECOND),
        (Duration(1800), 30 * MINUTE),
        (Duration(20, 123_456_789), timedelta(milliseconds=20_123)),
    ],
)
def test_a_deadline_is_kept_to_the_millisecond(sent: Duration | None, stored: timedelta) -> None:
    assert checked(limited(sent)).dispatch_deadline == stored


@pytest.mark.parametrize(
    "sent",
    [
        Duration(14, 999_999_999),
        Duration(1800, 1),
        Duration(),
        Duration(-20),
        Duration(2**62),
        Duration(1799, 2 * 10**9),
    ],
)
def test_a_deadline_for_a_url_is_15_seconds_to_30_minutes(sent: Duration) -> None:
    assert refusal(limited(sent)) == "Task.dispatchDeadline must be between [15s, 30m]."


@pytest.mark.parametrize(
    ("sent", "stored"),
    [(None, None), (Duration(), None), (Duration(15), 15 * SECOND), (Duration(86_415), DAY + 15 * SECOND)],
)
def test_app_engine_may_do_without_a_deadline(sent: Duration | None, stored: timedelta | None) -> None:
    assert checked(limited(sent, AppEngineDraft())).dispatch_deadline == stored


@pytest.mark.parametrize("sent", [Duration(0, 1), Duration(14), Duration(86_415, 1), Duration(-1)])
def test_a_deadline_for_app_engine_is_15_seconds_to_a_day_and_15_seconds(sent: Duration) -> None:
    assert refusal(limited(sent, AppEngineDraft())) == "Task.dispatchDeadline must be between [15s, 24h15s]."


def test_a_pull_task_has_no_deadline() -> None:
    assert checked(limited(Duration(1), PullDraft(b"p", "tag"))) == NewTask(
        None, PullMessage("tag"), b"p", None, None, None
    )


# --- retry settings, App Engine ---------------------------------------------------------------------------------------


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


# --- in its queue -----------------------------------------------------------------------------------------------------


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


def test_an_unset_audience_is_the_url_and_an_unset_scope_is_the_platform() -> None:
    google = "https://tasks.googleapis.com/a?b=c"
    assert token_of(settled(http(url=f"{URL}?a=1", token=OidcToken("a@b")))) == OidcToken("a@b", f"{URL}?a=1")
    assert token_of(settled(http(url=google, token=OAuthToken("a@b")))) == OAuthToken(
        "a@b", "https://www.googleapis.com/auth/cloud-platform"
    )
    assert token_of(settled(http(url=google, token=OAuthToken("a@b", "any text")))) == OAuthToken("a@b", "any text")


def test_the_queues_token_takes_the_place_of_the_tasks() -> None:
    assert token_of(settled(http(token=OAuthToken("a@b")), OidcToken("q@b"))) == OidcToken("q@b", URL)
    assert token_of(settled(http(token=OidcToken("a@b", "mine")), OidcToken("q@b", "x"))) == OidcToken("q@b", "x")
    assert token_of(settled(http(), OidcToken("q@b"))) == OidcToken("q@b", URL)


def test_of_a_token_that_is_replaced_only_the_email_is_checked() -> None:
    assert refusal(http(token=OAuthToken(""))) == "service_account_email must be set."
    assert token_of(settled(http(url="https://example.com", token=OAuthToken("a@b")), OidcToken("q@b", "x"))) == (
        OidcToken("q@b", "x")
    )


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://tasks.googleapis.com/", True),
        ("http://x.GoogleAPIs.com:8080/a", True),
        ("https://googleapis.com/", False),
        ("https://example.com/x.googleapis.com", False),
        ("https://example.com?.googleapis.com", False),
        ("https://x.googleapis.com@example.com/", False),
        ("https://example.com\\.googleapis.com/", False),
        ("https://x.googleapis.com.example.com/", False),
        ("https://", False),
    ],
)
def test_an_access_token_goes_to_google_only(url: str, allowed: bool) -> None:
    new = checked(http(url=url))
    own = checked(http(url=url, token=OAuthToken("a@b")))
    with_token = queue(http_target=HttpTarget(token=OAuthToken("q@b")))
    if allowed:
        stored(new, with_token, TASK)
        stored(own, queue(), TASK)
        return
    for task, where in ((new, with_token), (own, queue())):
        with pytest.raises(InvalidArgument) as caught:
            stored(task, where, TASK)
        assert caught.value.message == (
            'Invalid url for HttpRequest.oauth_token. The hostname in the url must end with ".googleapis.com"'
        )


def test_tokens_go_over_plain_http_unless_the_operator_says_otherwise() -> None:
    draft = http(url="http://localhost/", token=OidcToken("a@b"))
    settled(draft)
    settled(http(token=OidcToken("a@b")), https_tokens=True)
    settled(http(url="http://localhost/"), https_tokens=True)
    with pytest.raises(InvalidArgument) as caught:
        settled(draft, https_tokens=True)
    assert caught.value.message == (
        "HttpRequest.url must start with 'https://' for request with HttpRequest.authorization_header"
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
