"""The headers that a call carries: the task's, the queue's, those of a retry and of a trace."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from tests.core.calls import app, called, header, http, routed
from tests.core.examples import NOON, URL, queue

from tidegate.core.lifecycle import Outcome, Retry, judge
from tidegate.core.queue import Header, HttpTarget, OAuthToken, OidcToken, UriOverride
from tidegate.core.target import HttpCall, compose
from tidegate.core.task import Task

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
