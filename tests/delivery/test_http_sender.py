"""What goes over the wire."""

from __future__ import annotations

import pytest
from tests.delivery.calls import call
from tests.delivery.conftest import StoppedClock
from tests.delivery.raw_handler import RawHandler, answer

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.http_sender import HttpSender


async def test_the_wire_carries_host_the_calls_headers_as_they_are_written_and_the_length(
    sender: HttpSender, handler: RawHandler
) -> None:
    await sender.send(call(handler.url("/a?b=c"), "POST", b"body", ("X-Own", "1"), ("X-Own", "2")), None)
    request = handler.requests[0]
    assert request.line == "POST /a?b=c HTTP/1.1"
    assert request.headers == [
        ("Host", f"127.0.0.1:{handler.port}"),
        ("User-Agent", "Google-Cloud-Tasks"),
        ("X-CloudTasks-QueueName", "queue"),
        ("X-CloudTasks-TaskName", "task"),
        ("X-Own", "1"),
        ("X-Own", "2"),
        ("Content-Length", "4"),
    ]
    assert request.body == b"body"


@pytest.mark.parametrize(
    "target",
    [
        "/a/../b",
        "/a/./b//c/",
        "/a/%2e%2E/b",
        "/../x",
        "//x",
        "/q?x='y'",
        "/q?",
        "/?/../",
        "/;p=1?a;b",
        "/%C3%A9?%5C",
        "/a?b?c",
    ],
)
async def test_path_and_query_are_sent_as_they_are_written(
    sender: HttpSender, handler: RawHandler, target: str
) -> None:
    await sender.send(call(handler.url(target)), None)
    assert handler.requests[0].line == f"POST {target} HTTP/1.1"


@pytest.mark.parametrize(("rest", "target"), [("", "/"), ("?a", "/?a"), ("#f", "/"), ("/x?#f ?\xe9", "/x?")])
async def test_an_empty_path_is_a_slash_and_a_fragment_stays_here(
    sender: HttpSender, handler: RawHandler, rest: str, target: str
) -> None:
    await sender.send(call(handler.url(rest)), None)
    assert handler.requests[0].line == f"POST {target} HTTP/1.1"


@pytest.mark.parametrize(
    ("raw", "sent"),
    [(" ", "%20"), ("\t", ""), ("\r\nX: y", "X:%20y"), ("\0", "%00"), ("\x7f", "%7F"), ("\xe9", "%C3%A9")],
)
@pytest.mark.parametrize("start", ["/a", "/?a"])
async def test_what_would_break_the_first_line_is_encoded(
    sender: HttpSender, handler: RawHandler, start: str, raw: str, sent: str
) -> None:
    await sender.send(call(handler.url(f"{start}{raw}b")), None)
    assert handler.requests[0].line == f"POST {start}{sent}b HTTP/1.1"


async def test_an_empty_header_is_sent_empty(sender: HttpSender, handler: RawHandler) -> None:
    await sender.send(call(handler.url(), "POST", b"", ("X-CloudTasks-TaskRetryReason", "")), None)
    assert handler.requests[0].header("X-CloudTasks-TaskRetryReason") == ""


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
async def test_an_empty_body_says_so_where_one_could_be(sender: HttpSender, handler: RawHandler, method: str) -> None:
    await sender.send(call(handler.url(), method), None)
    assert handler.requests[0].line.startswith(method)
    assert handler.requests[0].header("content-length") == "0"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
async def test_methods_without_body_send_no_length(sender: HttpSender, handler: RawHandler, method: str) -> None:
    assert await sender.send(call(handler.url(), method), None) == Outcome(200)
    assert handler.requests[0].line.startswith(method)
    assert handler.requests[0].header("content-length") is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "OPTIONS"])
async def test_methods_without_body_send_nothing_for_a_task_with_one(
    sender: HttpSender, handler: RawHandler, method: str
) -> None:
    assert await sender.send(call(handler.url(), method, b"body"), None) == Outcome(
        reason=f"{method} takes no body", unsendable=True
    )
    assert handler.connections == 0


async def test_a_minted_token_replaces_the_tasks_own_authorization(sender: HttpSender, handler: RawHandler) -> None:
    await sender.send(call(handler.url(), "GET", b"", ("authorization", "Basic own")), "Bearer minted")
    assert [v for n, v in handler.requests[0].headers if n.lower() == "authorization"] == ["Bearer minted"]


async def test_the_tasks_own_authorization_passes_without_a_token(sender: HttpSender, handler: RawHandler) -> None:
    await sender.send(call(handler.url(), "GET", b"", ("authorization", "Basic own")), None)
    assert handler.requests[0].header("authorization") == "Basic own"


async def test_proxies_of_the_environment_are_not_asked(
    clock: StoppedClock, handler: RawHandler, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    sender = HttpSender(clock)
    assert await sender.send(call(handler.url()), None) == Outcome(200)
    await sender.close()


async def test_cookies_are_not_kept(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(200, "Set-Cookie: a=b"))
    await sender.send(call(handler.url()), None)
    await sender.send(call(handler.url()), None)
    assert handler.requests[1].header("cookie") is None


async def test_connections_are_used_again(sender: HttpSender, handler: RawHandler) -> None:
    for _ in range(3):
        assert await sender.send(call(handler.url(), "POST", b"body"), None) == Outcome(200)
    assert handler.connections == 1
