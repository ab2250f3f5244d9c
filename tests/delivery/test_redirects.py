from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from tests.delivery.calls import SECOND, call
from tests.delivery.conftest import StoppedClock
from tests.delivery.raw_handler import Connection, RawHandler, answer, hang_up, raw_handler

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.hop import Hop
from tidegate.delivery.http_sender import HttpSender

HERE = Hop(
    "POST",
    "https://a.example/task",
    (("Content-Type", "text/plain"), ("AUTHORIZATION", "Bearer t"), ("X-Own", "1"), ("content-encoding", "x")),
    b"body",
)


@pytest.fixture
async def other() -> AsyncIterator[RawHandler]:
    async with raw_handler() as handler:
        yield handler


# As rules


@pytest.mark.parametrize("status", [307, 308])
def test_307_and_308_repeat_method_and_body(status: int) -> None:
    assert HERE.redirected(status, "/next") == Hop("POST", "https://a.example/next", HERE.headers, b"body")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 310, 399])
def test_the_others_become_a_get_without_body_and_what_describes_it(status: int) -> None:
    assert HERE.redirected(status, "/next") == Hop(
        "GET", "https://a.example/next", (("AUTHORIZATION", "Bearer t"), ("X-Own", "1")), b""
    )


@pytest.mark.parametrize(("method", "becomes"), [("HEAD", "HEAD"), ("GET", "GET"), ("DELETE", "GET"), ("PUT", "GET")])
def test_only_head_stays_itself(method: str, becomes: str) -> None:
    following = Hop(method, "http://a.example/", (), b"").redirected(303, "/next")
    assert following is not None
    assert following.method == becomes


@pytest.mark.parametrize(
    "location",
    ["/next", "next", "?a=b", "//a.example/x", "https://A.EXAMPLE/x", "https://a.example:443/x", "https://a.example./"],
)
def test_the_token_stays_with_its_host(location: str) -> None:
    following = HERE.redirected(307, location)
    assert following is not None
    kept = ("AUTHORIZATION", "Bearer t") in following.headers
    assert kept == (location != "https://a.example./")  # another name, though often the same host


@pytest.mark.parametrize(
    "location",
    [
        "https://b.example/task",
        "//b.example/task",
        "https://a.example:444/task",
        "http://a.example/task",  # port 80
        "http://a.example:443/task",
        "https://a.example.b.example/",
        "https://a.example@b.example/",
        "///b.example/task",
        "/\\b.example/task",
        "\\\\b.example\\task",
    ],
)
def test_the_token_does_not_go_to_another_scheme_name_or_port(location: str) -> None:
    following = HERE.redirected(307, location)
    assert following is not None
    assert following.headers == tuple(h for h in HERE.headers if h[0] != "AUTHORIZATION")


SECRETS = ("Authorization", "Cookie", "Cookie2", "Proxy-Authorization")


@pytest.mark.parametrize("secret", [spelled for name in SECRETS for spelled in (name, name.lower(), name.upper())])
@pytest.mark.parametrize("status", [302, 307])
def test_no_credential_goes_to_another_origin_however_its_name_is_spelled(secret: str, status: int) -> None:
    hop = Hop("POST", "https://a.example/", ((secret, "s=1"), ("X-Own", "1"), (secret.swapcase(), "t=2")), b"")
    elsewhere, here = hop.redirected(status, "https://b.example/"), hop.redirected(status, "/next")
    assert elsewhere is not None
    assert elsewhere.headers == (("X-Own", "1"),)
    assert here is not None
    assert here.headers == hop.headers


@pytest.mark.parametrize("location", ["", "ftp://a.example/", "http://", "http://[::1/", "mailto:a@b", "javascript:1"])
def test_a_location_that_cannot_be_called_is_not_followed(location: str) -> None:
    assert HERE.redirected(302, location) is None


# As sent


@pytest.mark.parametrize("status", [300, 301, 302, 303, 399])
async def test_a_post_becomes_a_get(sender: HttpSender, handler: RawHandler, status: int) -> None:
    handler.does(answer(status, "Location: /next?a=b"), answer(200))
    assert await sender.send(call(handler.url(), "POST", b"body", ("Content-Type", "x/y")), None) == Outcome(200)
    request = handler.requests[1]
    assert request.line == "GET /next?a=b HTTP/1.1"
    assert request.header("content-type") is None
    assert request.header("content-length") is None
    assert request.header("referer") is None
    assert request.header("x-cloudtasks-taskname") == "task"


@pytest.mark.parametrize("status", [307, 308])
async def test_method_and_body_are_repeated(sender: HttpSender, handler: RawHandler, status: int) -> None:
    handler.does(answer(status, "Location: /next"), answer(200))
    assert await sender.send(call(handler.url(), "PUT", b"body", ("Content-Type", "x/y")), "Bearer t") == Outcome(200)
    request = handler.requests[1]
    assert (request.line, request.body) == ("PUT /next HTTP/1.1", b"body")
    assert request.header("content-type") == "x/y"
    assert request.header("authorization") == "Bearer t"


async def test_a_token_does_not_reach_another_port(sender: HttpSender, handler: RawHandler, other: RawHandler) -> None:
    handler.does(answer(307, f"Location: {other.url()}"))
    assert await sender.send(call(handler.url(), "POST", b"body"), "Bearer t") == Outcome(200)
    assert handler.requests[0].header("authorization") == "Bearer t"
    assert other.requests[0].header("authorization") is None


async def test_cookies_do_not_reach_another_port(sender: HttpSender, handler: RawHandler, other: RawHandler) -> None:
    handler.does(answer(307, f"Location: {other.url()}"))
    assert await sender.send(call(handler.url(), "POST", b"", ("cOOkie", "session=1")), None) == Outcome(200)
    assert handler.requests[0].header("cookie") == "session=1"
    assert other.requests[0].header("cookie") is None


async def test_a_token_once_left_behind_does_not_come_back(
    sender: HttpSender, handler: RawHandler, other: RawHandler
) -> None:
    handler.does(answer(307, f"Location: {other.url()}"), answer(200))
    other.does(answer(307, f"Location: {handler.url('/back')}"))
    assert await sender.send(call(handler.url()), "Bearer t") == Outcome(200)
    assert handler.requests[1].header("authorization") is None


async def test_ten_redirects_are_followed_and_the_answer_after_them_decides(
    sender: HttpSender, handler: RawHandler
) -> None:
    handler.does(*[answer(302, "Location: /next")] * 10, answer(204))
    assert await sender.send(call(handler.url()), None) == Outcome(204)
    assert len(handler.requests) == 11


async def test_an_eleventh_redirect_is_a_failure(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(302, "Location: /next"))
    assert await sender.send(call(handler.url()), None) == Outcome(302)
    assert len(handler.requests) == 11


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 305, 307, 308, 399])
async def test_a_redirect_to_nowhere_is_a_failure(sender: HttpSender, handler: RawHandler, status: int) -> None:
    handler.does(answer(status))
    assert await sender.send(call(handler.url()), None) == Outcome(status)


@pytest.mark.parametrize("status", [304, 305, 306])
async def test_a_location_with_what_is_no_redirect_is_not_followed(
    sender: HttpSender, handler: RawHandler, status: int
) -> None:
    handler.does(answer(status, "Location: /next"))
    assert await sender.send(call(handler.url()), None) == Outcome(status)
    assert len(handler.requests) == 1


@pytest.mark.parametrize("location", ["", "ftp://a.example/", "http://[::1/", "/\xe9"])
async def test_a_redirect_to_what_cannot_be_called_is_a_failure(
    sender: HttpSender, handler: RawHandler, location: str
) -> None:
    handler.does(answer(302, f"Location: {location}"))
    assert await sender.send(call(handler.url()), None) == Outcome(302)
    assert len(handler.requests) == 1


async def test_calls_that_follow_no_redirects_fail_with_them(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(302, "Location: /next"))
    assert await sender.send(call(handler.url(), follows_redirects=False), None) == Outcome(302)
    assert len(handler.requests) == 1


async def test_a_redirect_to_a_dead_host_is_no_answer(sender: HttpSender, handler: RawHandler) -> None:
    async with raw_handler() as gone:
        pass
    handler.does(answer(302, f"Location: {gone.url()}"))
    outcome = await sender.send(call(handler.url()), None)
    assert outcome == Outcome(reason="connection refused, after a redirect to another host")


async def test_a_redirect_within_a_host_leaves_the_reason_as_it_is(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(answer(302, "Location: /next"), hang_up())
    outcome = await sender.send(call(handler.url()), None)
    assert outcome.reason in {"connection closed without an answer", "connection reset"}


async def test_all_redirects_share_one_deadline(sender: HttpSender, handler: RawHandler, clock: StoppedClock) -> None:
    async def late(connection: Connection) -> bool:
        clock.advance(6 * SECOND)
        return await answer(302, "Location: /next")(connection)

    handler.does(late)
    outcome = await sender.send(call(handler.url(), timeout=timedelta(seconds=10)), None)
    assert outcome.timed_out
    assert len(handler.requests) == 2
