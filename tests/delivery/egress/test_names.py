"""Names under egress rules: looked up once, judged, and connected to as they were judged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.delivery.calls import SECOND, call
from tests.delivery.certificates import Authority
from tests.delivery.conftest import StoppedClock
from tests.delivery.egress.names import FORBIDDEN, Names, sender_under
from tests.delivery.raw_handler import OK, RawHandler, answer, hang_up, raw_handler, say

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.http_sender import HttpSender
from tidegate.delivery.lookups import SHARE
from tidegate.delivery.resolver import Unanswered


async def test_an_allowed_name_is_called_by_its_name(
    clock: StoppedClock, names: Names, handler: RawHandler, canary: RawHandler
) -> None:
    names.say("handlers.test", ["127.0.0.2"])
    async with sender_under("*.test", clock, names) as sender:
        url = f"http://user:word@handlers.test:{handler.port}/a?b=c#d"
        assert await sender.send(call(url, "POST", b"body"), None) == Outcome(200)
    request = handler.requests[0]
    assert request.line == "POST /a?b=c HTTP/1.1"
    assert [value for name, value in request.headers if name == "Host"] == [f"handlers.test:{handler.port}"]
    assert request.header("authorization") == "Basic dXNlcjp3b3Jk"
    assert request.body == b"body"


async def test_over_tls_the_name_is_asked_for_and_its_certificate_checked(
    clock: StoppedClock, names: Names, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    names.say("handlers.test", ["127.0.0.2"])
    names.say("impostor.test", ["127.0.0.2"])
    async with (
        raw_handler("127.0.0.2", tls=authority.server("handlers.test")) as handler,
        sender_under("*.test", clock, names, roots=authority.pem) as sender,
    ):
        for _ in range(3):
            assert await sender.send(call(f"https://handlers.test:{handler.port}/"), None) == Outcome(200)
        assert handler.connections == 1
        assert handler.requests[0].header("host") == f"handlers.test:{handler.port}"
        outcome = await sender.send(call(f"https://impostor.test:{handler.port}/"), None)
        assert outcome == Outcome(reason="TLS certificate not accepted")
        assert len(handler.requests) == 3


@pytest.mark.parametrize(
    "spelling", ["HANDLERS.test", "handlers.test.", "h\u00e4ndlers.test", "hand%6cers.test", "handlers_1.test"]
)
async def test_over_tls_each_spelling_of_a_name_is_pinned(
    clock: StoppedClock, names: Names, tmp_path: Path, spelling: str
) -> None:
    """Nobody but our name server knows it, so who reaches the handler was pinned; the certificate is another matter."""
    for name in ("handlers.test", "handlers.test.", "xn--hndlers-5wa.test", "handlers_1.test"):
        names.say(name, ["127.0.0.2"])
    async with (
        raw_handler("127.0.0.2", tls=Authority(tmp_path).server("handlers.test")) as handler,
        sender_under("*.test", clock, names) as sender,
    ):
        outcome = await sender.send(call(f"https://{spelling}:{handler.port}/"), None)
        assert outcome == Outcome(reason="TLS certificate not accepted")
        assert handler.connections == 1


async def test_relative_redirects_stay_with_the_name(sender: HttpSender, handler: RawHandler, names: Names) -> None:
    names.say("pinned.test", ["127.0.0.2"])
    handler.does(answer(307, "Location: /next"), answer(200))
    assert await sender.send(call(f"http://pinned.test:{handler.port}/"), "Bearer t") == Outcome(200)
    assert handler.requests[1].header("host") == f"pinned.test:{handler.port}"
    assert handler.requests[1].header("authorization") == "Bearer t"


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_the_next_address_is_tried_when_one_does_not_connect(
    clock: StoppedClock, names: Names, tmp_path: Path, scheme: str
) -> None:
    authority = Authority(tmp_path)
    names.say("handlers.test", ["127.0.0.3", "127.0.0.2"])
    tls = authority.server("handlers.test") if scheme == "https" else None
    async with (
        raw_handler("127.0.0.2", tls=tls) as handler,
        sender_under("*.test", clock, names, roots=authority.pem) as sender,
    ):
        assert await sender.send(call(f"{scheme}://handlers.test:{handler.port}/"), None) == Outcome(200)
        names.say("gone.test", ["127.0.0.3", "127.0.0.4"])
        outcome = await sender.send(call(f"{scheme}://gone.test:{handler.port}/"), None)
        assert outcome == Outcome(reason="connection refused")


async def test_the_next_address_is_not_tried_once_one_took_the_request(
    clock: StoppedClock, names: Names, handler: RawHandler, canary: RawHandler
) -> None:
    names.say("handlers.test", ["127.0.0.2", "127.0.0.1"])
    handler.does(hang_up())
    async with sender_under("*.test", clock, names) as sender:
        outcome = await sender.send(call(f"http://handlers.test:{handler.port}/"), None)
    assert outcome == Outcome(reason="connection closed without an answer")


async def test_a_kept_connection_that_the_handler_closed_costs_no_attempt(
    sender: HttpSender, handler: RawHandler, names: Names
) -> None:
    names.say("pinned.test", ["127.0.0.2"])
    handler.does(say(OK, then_close=True))
    for _ in range(2):
        assert await sender.send(call(f"http://pinned.test:{handler.port}/"), None) == Outcome(200)
    assert [request.header("host") for request in handler.requests] == [f"pinned.test:{handler.port}"] * 2


async def test_an_unknown_name_is_no_answer(sender: HttpSender) -> None:
    assert await sender.send(call("http://nowhere.test/"), None) == Outcome(reason="host not found")


async def test_a_silent_name_server_is_no_answer(sender: HttpSender, names: Names) -> None:
    names.say("a.test", Unanswered)
    outcome = await sender.send(call("http://a.test/"), None)
    assert outcome == Outcome(reason="name server does not answer")


async def test_an_address_that_is_served_stale_is_judged_again_and_pinned(
    clock: StoppedClock, sender: HttpSender, handler: RawHandler, names: Names
) -> None:
    names.say("a.test", ["127.0.0.2"], Unanswered)
    assert await sender.send(call(f"http://a.test:{handler.port}/"), None) == Outcome(200)
    clock.advance(60 * SECOND)
    assert await sender.send(call(f"http://a.test:{handler.port}/"), None) == Outcome(200)
    assert names.asked == ["a.test", "a.test"]
    names.say("b.test", ["127.0.0.1"], Unanswered)
    for _ in range(2):
        assert await sender.send(call(f"http://b.test:{handler.port}/"), None) == FORBIDDEN
        clock.advance(60 * SECOND)


async def test_names_that_hang_do_not_hold_up_another_queue(
    sender: HttpSender, handler: RawHandler, names: Names
) -> None:
    names.say("pinned.test", ["127.0.0.2"])
    names.hanging = ".silent.test"
    calls = [
        asyncio.create_task(sender.send(call(f"http://{number}.silent.test/", queue="bad"), None))
        for number in range(300)
    ]
    await names.first_asked.wait()
    good = call(f"http://pinned.test:{handler.port}/", queue="good")
    assert await sender.send(good, None) == Outcome(200)
    assert len(names.asked) == SHARE + 1
    for each in calls:
        each.cancel()
    await asyncio.wait(calls)


async def test_closing_ends_those_who_wait_for_a_name(sender: HttpSender, names: Names) -> None:
    names.silent = True
    waiting = asyncio.create_task(sender.send(call("http://a.test/"), None))
    await names.first_asked.wait()
    await sender.close()
    assert await waiting == Outcome(reason="sender closed")


async def test_the_deadline_covers_the_looking_up(sender: HttpSender, names: Names) -> None:
    names.silent = True
    outcome = await sender.send(call("http://a.test/", timeout=SECOND / 5), None)
    assert outcome.timed_out


async def test_a_name_is_looked_up_once_for_all_who_ask(sender: HttpSender, handler: RawHandler, names: Names) -> None:
    names.say("pinned.test", ["127.0.0.2"])
    calls = [sender.send(call(f"http://pinned.test:{handler.port}/"), None) for _ in range(20)]
    assert set(await asyncio.gather(*calls)) == {Outcome(200)}
    assert names.asked == ["pinned.test"]


async def test_one_who_gives_up_takes_the_answer_from_nobody(
    sender: HttpSender, handler: RawHandler, names: Names
) -> None:
    names.say("pinned.test", ["127.0.0.2"])
    first, second = (
        asyncio.create_task(sender.send(call(f"http://pinned.test:{handler.port}/"), None)) for _ in range(2)
    )
    await names.first_asked.wait()
    first.cancel()
    assert await second == Outcome(200)
    with pytest.raises(asyncio.CancelledError):
        await first
