import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.examples import MINUTE, NOON, QUEUE, SECOND, URL, queue, task

from tidegate.core.lifecycle import Outcome, Retry, judge
from tidegate.core.queue import (
    AppEngineRouting,
    EnforceMode,
    Header,
    HttpMethod,
    HttpTarget,
    OAuthToken,
    OidcToken,
    Queue,
    Scheme,
    UriOverride,
)
from tidegate.core.target import HttpCall, Unsendable, app_engine_base, compose, unix_seconds
from tidegate.core.task import AppEngineRequest, HttpRequest, PullMessage, Task
from tidegate.core.times import moment
from tidegate.core.validation import AppEngineDraft, HttpDraft, TaskDraft, check_task, settle_target

AGENT = ("User-Agent", "Google-Cloud-Tasks")
APP_AGENT = "AppEngine-Google; (+http://code.google.com/appengine)"


def called(current: Task, where: Queue | None = None, app_engine: dict[str, str] | None = None) -> HttpCall:
    call = compose(current, where or queue(), app_engine or {})
    assert isinstance(call, HttpCall)
    return call


def unsent(current: Task, where: Queue | None = None) -> str:
    call = compose(current, where or queue(), {})
    assert isinstance(call, Unsendable)
    return call.reason


def http(url: str = URL, body: bytes = b"", **changes: Any) -> Task:
    return task(target=HttpRequest(url, **{"headers": {"User-Agent": "Google-Cloud-Tasks"}, **changes}), body=body)


def app(**changes: Any) -> Task:
    return task(target=AppEngineRequest(**{"headers": {"User-Agent": APP_AGENT}, **changes}))


def routed(override: UriOverride | None = None, **changes: Any) -> Queue:
    return queue(http_target=HttpTarget(uri_override=override, **changes))


def header(call: HttpCall, name: str) -> str | None:
    """The value of the only header of that name, in any case."""
    values = [value for key, value in call.headers if key.lower() == name.lower()]
    assert len(values) < 2
    return values[0] if values else None


def test_a_plain_task_is_sent_as_it_is() -> None:
    plain = http(f"{URL}?a=1", b"body", headers={"User-Agent": "Google-Cloud-Tasks", "X-A": "a"})
    assert called(plain) == HttpCall(
        method="POST",
        url=f"{URL}?a=1",
        headers=(
            AGENT,
            ("X-A", "a"),
            ("X-CloudTasks-QueueName", "q"),
            ("X-CloudTasks-TaskName", "t"),
            ("X-CloudTasks-TaskRetryCount", "0"),
            ("X-CloudTasks-TaskExecutionCount", "0"),
            ("X-CloudTasks-TaskETA", "1782907200"),
        ),
        body=b"body",
        timeout=10 * MINUTE,
        token=None,
        follows_redirects=True,
        queue=QUEUE,
    )


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (1721236265_266817, "1721236265.266817"),
        (1721236265_120000, "1721236265.12"),
        (1721236265_000000, "1721236265"),
        (1721236260_000000, "1721236260"),
        (1721236265_000001, "1721236265.000001"),
    ],
)
def test_the_eta_is_the_shortest_decimal_of_the_microseconds(micros: int, text: str) -> None:
    assert unix_seconds(moment(micros)) == text


TRACE = (("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("tracestate", "x=1"))


@pytest.mark.parametrize("current", [http(), app()], ids=["http", "app engine"])
def test_a_call_names_the_trace_that_it_belongs_to(current: Task) -> None:
    call = compose(current, queue(), {}, TRACE)
    assert isinstance(call, HttpCall)
    assert set(TRACE) <= set(call.headers)
    plain = called(current)
    assert [line for line in call.headers if line not in TRACE] == list(plain.headers)


def test_a_task_or_queue_that_names_a_trace_goes_on_with_its_own() -> None:
    own = ("TraceParent", "00-11111111111111111111111111111111-2222222222222222-00")
    overriding = queue(http_target=HttpTarget(header_overrides=(Header(*own),)))
    for current, where in ((http(headers=dict([own])), queue()), (http(), overriding)):
        call = compose(current, where, {}, TRACE)
        assert isinstance(call, HttpCall)
        assert [line for line in call.headers if line[0].lower().startswith("trace")] == [own]


@pytest.mark.parametrize("method", HttpMethod)
def test_every_method_is_called_by_its_name(method: HttpMethod) -> None:
    assert called(http(http_method=method)).method == method.name


def test_the_deadline_of_the_task_limits_the_attempt() -> None:
    assert called(replace(http(), dispatch_deadline=20 * SECOND)).timeout == 20 * SECOND


def test_a_retry_says_how_the_attempt_before_ended() -> None:
    told = [retry_headers(outcome) for outcome in (Outcome(503), Outcome(timed_out=True), Outcome(), Outcome(302))]
    assert told == [("1", "503", ""), ("1", "504", ""), ("1", "0", ""), ("1", "302", "")]


def retry_headers(outcome: Outcome) -> tuple[str | None, str | None, str | None]:
    verdict = judge(http(), queue(), outcome, NOON)
    assert isinstance(verdict, Retry)
    call = called(replace(verdict.task, dispatch_count=2, dispatched_at=NOON))
    return (
        header(call, "X-CloudTasks-TaskRetryCount"),
        header(call, "X-CloudTasks-TaskPreviousResponse"),
        header(call, "X-CloudTasks-TaskRetryReason"),
    )


def test_a_retry_after_a_crash_knows_of_no_answer() -> None:
    call = called(replace(http(), dispatch_count=2))
    assert header(call, "X-CloudTasks-TaskPreviousResponse") == "0"


def test_a_first_attempt_says_nothing_of_one_before() -> None:
    call = called(http())
    assert header(call, "X-CloudTasks-TaskPreviousResponse") is None
    assert header(call, "X-CloudTasks-TaskRetryReason") is None


@pytest.mark.parametrize(
    ("first", "prefix", "told"),
    [
        (http(), "X-CloudTasks", [("0", "0"), ("1", "0"), ("2", "1"), ("3", "2"), ("4", "2"), ("5", "3")]),
        (app(), "X-AppEngine", [("0", "0"), ("1", "1"), ("2", "2"), ("3", "3"), ("4", "4"), ("5", "5")]),
    ],
)
def test_the_recorded_sequence_of_answers_is_told_as_recorded(
    first: Task, prefix: str, told: list[tuple[str, str]]
) -> None:
    current, seen = first, []
    for answer in (503, 404, 429, 500, 302, None):
        call = called(current)
        seen.append((header(call, f"{prefix}-TaskRetryCount"), header(call, f"{prefix}-TaskExecutionCount")))
        if answer is not None:
            verdict = judge(current, queue(), Outcome(answer), NOON)
            assert isinstance(verdict, Retry)
            current = replace(verdict.task, dispatch_count=current.dispatch_count + 1, dispatched_at=NOON)
    assert seen == told


# --- headers ----------------------------------------------------------------------------------------------------------


def test_stored_headers_of_cloud_tasks_give_way_to_the_real_ones() -> None:
    call = called(http(headers={"x-cloudtasks-queuename": "mine", "X-CloudTasks-Projectname": "p"}))
    assert header(call, "X-CloudTasks-QueueName") == "q"
    assert header(call, "X-CloudTasks-Projectname") == "p"


def test_a_retry_reason_of_the_caller_is_not_sent_even_with_the_first_attempt() -> None:
    call = called(http(headers={"X-CloudTasks-TaskRetryReason": "mine", "X-CloudTasks-TaskPreviousResponse": "200"}))
    assert header(call, "X-CloudTasks-TaskRetryReason") is None
    assert header(call, "X-CloudTasks-TaskPreviousResponse") is None


@pytest.mark.parametrize(
    ("stored", "sent"),
    [
        ({"Content-Type": "a", "content-type": "b"}, ("content-type", "b")),
        ({"content-type": "b", "Content-Type": "a"}, ("Content-Type", "a")),
        ({"COOKIE": "a", "Cookie": "b", "cookie": "c"}, ("cookie", "c")),
        ({"Authorization": "Basic a", "authorization": "Basic b"}, ("authorization", "Basic b")),
        ({"User-Agent": "a", "user-agent": "b"}, ("user-agent", "b")),
        ({"X-A": "kept", "x-a": "\x01"}, ("X-A", "kept")),
    ],
)
@pytest.mark.parametrize("make", [http, app])
def test_of_names_that_differ_only_in_case_the_later_one_is_sent(
    make: Callable[..., Task], stored: dict[str, str], sent: tuple[str, str]
) -> None:
    call = called(make(headers=stored))
    assert [line for line in call.headers if line[0].lower() == sent[0].lower()] == [sent]


def test_spellings_are_told_apart_however_many_and_long_names_were_met() -> None:
    for number in range(1500):
        called(http(headers={f"X-{number}": "a"}))
    for name in ("X-Name", "X-" + "n" * 2000):
        assert header(called(http(headers={name: "a", name.lower(): "b"})), name) == "b"


def test_a_queues_header_and_a_token_replace_every_spelling_of_the_tasks() -> None:
    own = {"Authorization": "a", "AUTHORIZATION": "b", "X-A": "c", "x-A": "d"}
    call = called(http(headers=own), routed(header_overrides=(Header("x-a", "queue"),)))
    assert (header(call, "x-a"), header(call, "authorization")) == ("queue", "b")
    assert header(called(http(headers=own, token=OidcToken("a@b"))), "authorization") is None


def test_no_content_type_is_added() -> None:
    assert header(called(http(body=b"{}")), "Content-Type") is None


def test_a_header_that_was_kept_but_cannot_be_sent_stays_here() -> None:
    assert header(called(http(headers={"X/Slash": "a", "X-A": "a"})), "X/Slash") is None


def test_the_users_authorization_passes_without_a_token_and_gives_way_to_one() -> None:
    own = {"authorization": "Bearer mine"}
    assert header(called(http(headers=own)), "Authorization") == "Bearer mine"
    token = OidcToken("a@b", URL)
    call = called(http(headers=own, token=token))
    assert (header(call, "Authorization"), call.token) == (None, token)


def test_a_user_in_the_url_becomes_authorization_unless_there_is_one() -> None:
    url = "https://us%65r:p%C3%BC@example.com/a"
    call = called(http(url))
    assert (call.url, header(call, "Authorization")) == ("https://example.com/a", "Basic dXNlcjpww7w=")
    assert header(called(http(url, headers={"authorization": "x"})), "Authorization") == "x"
    assert header(called(http(url, token=OidcToken("a@b"))), "Authorization") is None
    elsewhere = called(http(url), routed(UriOverride(host="other.example")))
    assert (elsewhere.url, header(elsewhere, "Authorization")) == ("https://other.example/a", None)


def test_the_queues_headers_take_the_place_of_the_tasks_in_any_case() -> None:
    overrides = (Header("x-a", "queue"), Header("X-B", "first"), Header("x-b", "last"), Header("X-C"))
    call = called(http(headers={"X-A": "task", "X-D": "task"}), routed(header_overrides=overrides))
    assert [line for line in call.headers if not line[0].startswith("X-CloudTasks")] == [
        ("X-D", "task"),
        ("x-a", "queue"),
        ("x-b", "last"),
        ("X-C", ""),
    ]


def test_an_override_is_made_sendable() -> None:
    overrides = (Header("X-A", "a\r\nb\0c"), Header("X-B", "é"), Header("X/Slash", "a"), Header("X-C", " c "))
    call = called(http(headers={"X-B": "task"}), routed(header_overrides=overrides))
    assert [line for line in call.headers if not line[0].startswith("X-CloudTasks")] == [("X-A", "a__b"), ("X-C", "c")]


def test_a_token_beats_an_overridden_authorization() -> None:
    where = routed(header_overrides=(Header("Authorization", "queue"),))
    assert header(called(http(headers={"authorization": "task"}), where), "Authorization") == "queue"
    assert header(called(http(token=OidcToken("a@b")), where), "Authorization") is None


def test_the_queues_token_beats_the_tasks_also_for_tasks_already_there() -> None:
    own = http(token=OAuthToken("a@b", "scope"))
    assert called(own, routed(token=OidcToken("q@b"))).token == OidcToken("q@b", URL)
    assert called(own, routed(token=OidcToken("q@b", "x"))).token == OidcToken("q@b", "x")
    assert called(own, routed(UriOverride(host="other"))).token == OAuthToken("a@b", "scope")
    assert called(http(), routed(UriOverride(host="other"), token=OidcToken("q@b"))).token == OidcToken("q@b", URL)


TEXT = st.text(max_size=10)
NAMES = TEXT | st.sampled_from(
    ["Host", "content-length", "Transfer-Encoding", "X-A", "x-a", "Cookie", "COOKIE", "X-CloudTasks-TaskName"]
)
HEADERS = st.dictionaries(NAMES, TEXT, max_size=5)


@given(HEADERS, st.lists(st.builds(Header, NAMES, TEXT), max_size=4).map(tuple), st.booleans())
def test_whatever_is_stored_no_header_breaks_the_grammar(
    stored: dict[str, str], overrides: tuple[Header, ...], to_app: bool
) -> None:
    current = app(headers=stored) if to_app else http(headers=stored)
    call = called(current, routed(header_overrides=overrides))
    for name, value in call.headers:
        assert re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name)
        assert re.fullmatch(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?", value)
        assert name.lower() not in {"host", "content-length", "transfer-encoding", "connection"}
    names = [name.lower() for name, _ in call.headers]
    assert len(names) == len(set(names))
    assert header(call, "X-AppEngine-TaskName" if to_app else "X-CloudTasks-TaskName") == "t"


# --- the URL ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "url", "sent"),
    [
        (UriOverride(scheme=Scheme.HTTP), "https://a/b", "http://a/b"),
        (UriOverride(scheme=Scheme.HTTPS), "http://a:8080/b", "https://a:8080/b"),
        (UriOverride(scheme=Scheme.UNSPECIFIED), "http://a/b", "https://a/b"),
        (UriOverride(host="other.example"), "http://a:8080/b?c=d", "http://other.example:8080/b?c=d"),
        (UriOverride(port=9000), "http://a/b", "http://a:9000/b"),
        (UriOverride(port=0), "http://a:8080/b", "http://a/b"),
        (UriOverride(path="/x"), "http://a/b?c=d", "http://a/x?c=d"),
        (UriOverride(path="x y"), "http://a/b", "http://a/x%20y"),
        (UriOverride(path="/x?y#z"), "http://a/b", "http://a/x%3Fy%23z"),
        (UriOverride(query="x=1&y=ü"), "http://a/b?c=d", "http://a/b?x=1&y=%C3%BC"),
        (UriOverride(query="?a=1"), "http://a/b", "http://a/b??a=1"),
        (UriOverride(path="", query=""), "http://a/b?c=d", "http://a/b?c=d"),
        (UriOverride(host="h", enforce_mode=EnforceMode.ALWAYS), "http://a/b", "http://h/b"),
        (UriOverride(host="h", enforce_mode=EnforceMode.IF_NOT_EXISTS), "http://a/b?c=d", "http://a/b?c=d"),
        (UriOverride(1, "h", 1, "/p", "q"), "https://a:2/b?c=d#e", "http://h:1/p?q"),
        (UriOverride(host="[::1]"), "http://a:80/b", "http://[::1]:80/b"),
    ],
)
def test_the_queue_replaces_parts_of_the_url(override: UriOverride, url: str, sent: str) -> None:
    assert called(http(url), routed(override)).url == sent


def test_a_url_is_encoded_and_its_fragment_stays_here() -> None:
    assert called(http("http://example.com/hello/a b?ü#x")).url == "http://example.com/hello/a%20b?%C3%BC"


@pytest.mark.parametrize("url", ["http://", "http://a/%zz", "http://a/?%", "http://a b/", "http://a:99999/"])
def test_a_url_that_cannot_be_called_is_not(url: str) -> None:
    assert unsent(http(url)) == "the URL cannot be called"


def test_a_port_that_cannot_be_is_not_called() -> None:
    assert unsent(http(), routed(UriOverride(port=65536))) == "the URL cannot be called"
    assert unsent(http(), routed(UriOverride(path="%"))) == "the URL cannot be called"


@pytest.mark.parametrize("method", [HttpMethod.GET, HttpMethod.HEAD, HttpMethod.DELETE, HttpMethod.OPTIONS])
def test_the_queues_method_may_not_fit_a_body(method: HttpMethod) -> None:
    where = routed(http_method=method)
    assert unsent(http(body=b"b"), where) == f"{method.name} takes no body"
    assert called(http(), where).method == method.name


def test_the_queues_method_applies_in_both_modes() -> None:
    where = routed(UriOverride(host="h", enforce_mode=EnforceMode.IF_NOT_EXISTS), http_method=HttpMethod.PUT)
    assert (called(http(body=b"b"), where).method, called(http(), where).url) == ("PUT", URL)


def test_a_pull_task_is_not_sent() -> None:
    assert unsent(task(target=PullMessage("t"))) == "a pull task is leased, not sent"


URLS = st.text(max_size=15).map("http://{}".format)
OVERRIDES = st.none() | st.builds(
    UriOverride,
    st.none() | st.integers(0, 2),
    st.none() | st.sampled_from(["h", "h.example", "[::1]"]),
    st.none() | st.integers(0, 10**6),
    st.none() | st.text(max_size=9),
    st.none() | st.text(max_size=9),
    st.integers(0, 2),
)


@given(URLS, OVERRIDES)
def test_what_is_called_is_always_a_url(url: str, override: UriOverride | None) -> None:
    call = compose(http(url), routed(override), {})
    if isinstance(call, HttpCall):
        assert re.fullmatch(
            r"https?://[A-Za-z0-9._:\[\]-]+/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-Fa-f]{2})*", call.url
        )


# --- App Engine -------------------------------------------------------------------------------------------------------


def test_an_app_engine_task_is_sent_to_its_service() -> None:
    draft = TaskDraft(
        target=AppEngineDraft("/work?a=1", headers={"X-A": "a"}, body=b"b", routing=AppEngineRouting("s"))
    )
    new = check_task(draft, QUEUE, NOON)
    settled = new.stored(QUEUE.task("t"), settle_target(new.target, queue()), NOON, NOON)
    assert called(replace(settled, dispatch_count=1)) == HttpCall(
        method="POST",
        url="https://s.p.appspot.com/work?a=1",
        headers=(
            ("X-A", "a"),
            ("User-Agent", APP_AGENT),
            ("Content-Type", "application/octet-stream"),
            ("X-AppEngine-QueueName", "q"),
            ("X-AppEngine-TaskName", "t"),
            ("X-AppEngine-TaskRetryCount", "0"),
            ("X-AppEngine-TaskExecutionCount", "0"),
            ("X-AppEngine-TaskETA", "1782907200"),
        ),
        body=b"b",
        timeout=10 * MINUTE,
        token=None,
        follows_redirects=False,
        queue=QUEUE,
    )


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome(503), ("503", "App Error")),
        (Outcome(302), ("302", "App Error")),
        (Outcome(timed_out=True), ("0", "Instance Unavailable")),
        (Outcome(), ("0", "Instance Unavailable")),
    ],
)
def test_a_retry_of_app_engine_says_why(outcome: Outcome, told: tuple[str, str]) -> None:
    verdict = judge(app(), queue(), outcome, NOON)
    assert isinstance(verdict, Retry)
    call = called(replace(verdict.task, dispatch_count=2))
    assert (header(call, "X-AppEngine-TaskPreviousResponse"), header(call, "X-AppEngine-TaskRetryReason")) == told


def test_the_queues_routing_replaces_the_tasks_completely() -> None:
    routing = AppEngineRouting("s", "v", "1")
    assert called(app(routing=routing)).url == "https://1.v.s.p.appspot.com/"
    assert called(app(routing=routing), queue(app_engine_routing=AppEngineRouting(version="w"))).url == (
        "https://w.p.appspot.com/"
    )


def test_the_queues_http_routing_does_not_touch_app_engine_tasks() -> None:
    where = routed(UriOverride(host="h"), http_method=HttpMethod.GET, header_overrides=(Header("X-A", "a"),))
    call = called(app(relative_uri="/a"), where)
    assert (call.method, call.url, header(call, "X-A")) == ("POST", "https://p.appspot.com/a", None)


SERVICES = {"default": "http://localhost:8080/", "worker": "http://localhost:8081/base", "v2.worker": "http://[::1]:1"}


@pytest.mark.parametrize(
    ("routing", "base"),
    [
        (AppEngineRouting(), "http://localhost:8080"),
        (AppEngineRouting("worker"), "http://localhost:8081/base"),
        (AppEngineRouting("worker", "v2"), "http://[::1]:1"),
        (AppEngineRouting("worker", "v2", "7"), "http://[::1]:1"),
        (AppEngineRouting("worker", "v3"), "http://localhost:8081/base"),
        (AppEngineRouting("other"), "http://localhost:8080"),
        (AppEngineRouting("", "v2"), "http://localhost:8080"),
        (AppEngineRouting("evil.example/"), "http://localhost:8080"),
    ],
)
def test_services_are_found_where_the_operator_says(routing: AppEngineRouting, base: str) -> None:
    assert app_engine_base(routing, "p", SERVICES) == base


def test_without_a_default_other_services_are_at_app_engine() -> None:
    assert app_engine_base(AppEngineRouting("other"), "p", {"worker": "http://w"}) == "https://other.p.appspot.com"


@pytest.mark.parametrize("part", ["evil.example/", "a b", "a@b", "a:1", "a#", "ü", "a" * 64, "a.b"])
def test_a_routing_with_an_unusable_part_stands_for_the_default_service(part: str) -> None:
    for routing in (AppEngineRouting(part), AppEngineRouting("s", part), AppEngineRouting("s", "v", part)):
        assert called(app(routing=routing)).url == "https://p.appspot.com/"


def test_a_service_below_a_path_keeps_it() -> None:
    call = called(app(relative_uri="/a?b=c d", routing=AppEngineRouting("worker")), app_engine=SERVICES)
    assert call.url == "http://localhost:8081/base/a?b=c%20d"


def test_the_deadline_of_an_app_engine_task_is_its_own_or_ten_minutes() -> None:
    assert called(app()).timeout == 10 * MINUTE
    assert called(replace(app(), dispatch_deadline=timedelta(hours=24))).timeout == timedelta(hours=24)


def test_a_task_of_today_is_sent_as_it_was_checked() -> None:
    draft = TaskDraft(target=HttpDraft(URL, headers={"Host": "evil", "X-A": "a\nb"}, token=OidcToken("a@b")))
    new = check_task(draft, QUEUE, NOON)
    settled = new.stored(QUEUE.task("t"), settle_target(new.target, queue()), NOON, NOON)
    call = called(replace(settled, dispatch_count=1))
    assert call.headers[:2] == (AGENT, ("X-A", "a_b"))
    assert call.token == OidcToken("a@b", URL)
