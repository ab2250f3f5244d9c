import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core import headers
from tidegate.core.headers import (
    clean_app_engine_headers,
    clean_http_headers,
    clean_value,
    is_token,
    refused_overrides,
    total_size,
)

AGENT = {"User-Agent": "Google-Cloud-Tasks"}
DROPPED = [
    "Accept-Encoding",
    "Connection",
    "Content-Length",
    "From",
    "Host",
    "Keep-Alive",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
    "Via",
    "X-Forwarded-For",
    "X-Google",
    "X-Google-Anything",
    "X-GoogleAnything",
    "X-AppEngine-QueueName",
    "X-AppEngine",
]
KEPT = [
    "Authorization",
    "Content-Type",
    "Trailer",
    "X-Forwarded-Proto",
    "X-Goog-User-Project",
    "X-CloudTasks-QueueName",
    "X-CloudTasks-Projectname",
    "X/Slash",
    "Expect",
]


@pytest.mark.parametrize("name", [*DROPPED, *map(str.lower, DROPPED), *map(str.upper, DROPPED)])
def test_reserved_headers_are_dropped_in_any_case(name: str) -> None:
    assert clean_http_headers({name: "value"}) == AGENT


@pytest.mark.parametrize("name", [*KEPT, *map(str.lower, KEPT)])
def test_other_headers_keep_their_case(name: str) -> None:
    assert clean_http_headers({name: "value"}) == {**AGENT, name: "value"}


@pytest.mark.parametrize("name", ["", "a b", "a\tb", "é", "a:b", ":path", "a\n", "a\0", "\x7f"])
def test_names_that_are_no_names_are_dropped(name: str) -> None:
    assert clean_http_headers({name: "value"}) == AGENT


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("value", "value"),
        (" ", " "),
        ("  padded\t", "  padded\t"),
        ("a\tb", "a\tb"),
        ("a\r\nb", "a__b"),
        ("a\nX-Evil: 1", "a_X-Evil: 1"),
        ("a\0b\nc", "a"),
        ("\r", "_"),
        ("", None),
        ("\0a", None),
        ("é", None),
        ("a\0é", "a"),
        ("a\x01", None),
        ("a\x7f", None),
        ("a\x1b[0m", None),
        ("\u2028", None),
    ],
)
def test_values_are_made_sendable_or_dropped(sent: str, stored: str | None) -> None:
    assert clean_value(sent) == stored
    assert clean_http_headers({"X-A": sent}) == ({**AGENT, "X-A": stored} if stored else AGENT)


def test_a_header_of_more_than_8188_bytes_is_dropped() -> None:
    assert clean_http_headers({"X-A": "v" * 8185}) == {**AGENT, "X-A": "v" * 8185}
    assert clean_http_headers({"X-A": "v" * 8186}) == AGENT


def test_the_user_agent_is_ours_once() -> None:
    assert clean_http_headers({"user-agent": "a", "User-Agent": "b", "USER-AGENT": "c"}) == AGENT


@given(st.dictionaries(st.text(), st.text()))
def test_cleaned_headers_always_satisfy_the_grammar(sent: dict[str, str]) -> None:
    for cleaned in (clean_http_headers(sent), clean_app_engine_headers(sent, b"x")):
        for name, value in cleaned.items():
            assert re.fullmatch(r"[\x21-\x39\x3b-\x7e]+", name)
            assert re.fullmatch(r"[\t\x20-\x7e]+", value)


def test_remembered_names_stay_few() -> None:
    for number in range(3000):
        clean_http_headers({f"X-{number}": "v"})
    clean_http_headers({"X-" + "a" * 5000: "v"})
    assert len(headers._kept) <= 1024
    assert max(map(len, headers._kept)) <= 100


APP_AGENT = "AppEngine-Google; (+http://code.google.com/appengine)"


def test_an_app_engine_task_names_its_agent() -> None:
    assert clean_app_engine_headers({}, b"") == {"User-Agent": APP_AGENT}


@pytest.mark.parametrize("name", ["User-Agent", "user-agent"])
def test_the_agent_of_app_engine_is_appended_to_the_callers(name: str) -> None:
    assert clean_app_engine_headers({name: "mine/1"}, b"") == {"User-Agent": f"mine/1 {APP_AGENT}"}


def test_a_body_for_app_engine_has_a_type_and_a_length() -> None:
    assert clean_app_engine_headers({}, b"abc") == {
        "User-Agent": APP_AGENT,
        "Content-Type": "application/octet-stream",
        "Content-Length": "3",
    }
    assert clean_app_engine_headers({"content-TYPE": "text/plain", "content-length": "9"}, b"abc") == {
        "User-Agent": APP_AGENT,
        "content-TYPE": "text/plain",
        "Content-Length": "3",
    }


def test_app_engine_keeps_all_but_its_own_headers() -> None:
    sent = {"Host": "h", "X-Google-A": "a", "x-appengine-b": "b", "Content-Length": "5", "Via": "v", "X-A": "a\nb"}
    assert clean_app_engine_headers(sent, b"") == {"Via": "v", "X-A": "a_b", "User-Agent": APP_AGENT}


def test_a_queue_may_not_override_reserved_headers_nor_those_of_cloud_tasks() -> None:
    names = ["X-A", "", "X-CloudTasks-QueueName", "a b", "host", "X/Slash", "é", "a:b", "X-CloudTasks", "X-GOOGLE-1"]
    assert refused_overrides(names) == ["", "X-CloudTasks-QueueName", "a b", "host", "é", "a:b", "X-GOOGLE-1"]


@pytest.mark.parametrize(("name", "sendable"), [("X-A", True), ("X/Slash", False), ("", False), ("a b", False)])
def test_what_can_be_sent_is_narrower_than_what_is_kept(name: str, sendable: bool) -> None:
    assert is_token(name) is sendable


def test_the_size_of_headers_is_in_bytes() -> None:
    assert total_size([("a", "é"), ("bc", "")]) == 5
