"""Connections that are kept for the next attempt, and handlers that close them or die."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.delivery.calls import BROKEN_OFF, SECOND, SOON, call
from tests.delivery.conftest import StoppedClock
from tests.delivery.raw_handler import OK, Connection, RawHandler, Step, hang_up, reset, say, silence

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.http_sender import HttpSender


async def test_a_kept_connection_that_the_handler_closed_costs_no_attempt(
    sender: HttpSender, handler: RawHandler
) -> None:
    handler.does(say(OK, then_close=True))
    assert await sender.send(call(handler.url("/1"), "POST", b"a"), None) == Outcome(200)
    assert await sender.send(call(handler.url("/2"), "POST", b"b"), None) == Outcome(200)
    assert [request.line for request in handler.requests] == ["POST /1 HTTP/1.1", "POST /2 HTTP/1.1"]
    assert handler.connections == 2


@pytest.mark.parametrize("die", [hang_up(), reset()], ids=["closing", "resetting"])
async def test_a_handler_that_dies_on_a_request_is_not_sent_it_again(
    sender: HttpSender, handler: RawHandler, die: Step
) -> None:
    handler.does(say(OK), die)
    await sender.send(call(handler.url()), None)
    assert (await sender.send(call(handler.url(), "POST", b"body"), None)).reason in BROKEN_OFF
    assert len(handler.requests) == 2


async def test_a_handler_that_dies_before_it_has_read_all_of_a_request_is_not_sent_it_again(
    sender: HttpSender,
) -> None:
    connections = 0

    async def dies_early(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"Content-Length: 0\r\n\r\n")
        writer.write(OK)
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(dies_early, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        assert await sender.send(call(url), None) == Outcome(200)
        assert (await sender.send(call(url, "POST", bytes(5_000_000)), None)).reason in BROKEN_OFF
    assert connections == 1


@pytest.mark.parametrize(("after", "requests"), [(0 * SECOND, 3), (SECOND, 2)], ids=["at once", "later"])
async def test_where_the_kernel_does_not_tell_a_handler_that_dies_at_once_may_be_sent_a_request_again(
    sender: HttpSender,
    handler: RawHandler,
    clock: StoppedClock,
    monkeypatch: pytest.MonkeyPatch,
    after: timedelta,
    requests: int,
) -> None:
    async def die(connection: Connection) -> bool:
        clock.advance(after)
        return False

    monkeypatch.setattr("tidegate.delivery.connection.unacknowledged", lambda sock: None)
    monkeypatch.setattr("tidegate.delivery.http_sender.CLOSED_BY_THEN", 0.9)  # the machine may be slow
    handler.does(say(OK), die)
    await sender.send(call(handler.url()), None)
    assert await sender.send(call(handler.url()), None) == Outcome(reason="connection closed without an answer")
    assert len(handler.requests) == requests  # once more and no more


async def test_a_handler_that_answered_long_ago_has_no_kept_connection(
    sender: HttpSender, handler: RawHandler, clock: StoppedClock
) -> None:
    handler.does(say(OK), hang_up())
    await sender.send(call(handler.url()), None)
    clock.advance(10 * SECOND)
    assert await sender.send(call(handler.url()), None) == Outcome(reason="connection closed without an answer")
    assert len(handler.requests) == 2


async def test_a_handler_that_answered_in_part_is_not_sent_it_again(sender: HttpSender, handler: RawHandler) -> None:
    handler.does(say(OK), hang_up(after=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"))
    await sender.send(call(handler.url()), None)
    assert await sender.send(call(handler.url()), None) == Outcome(reason="answer broken off")
    assert len(handler.requests) == 2


async def test_a_handler_silent_until_the_deadline_is_not_sent_it_again(
    sender: HttpSender, handler: RawHandler
) -> None:
    handler.does(say(OK), silence())
    await sender.send(call(handler.url()), None)
    assert (await sender.send(call(handler.url(), timeout=SOON), None)).timed_out
    assert len(handler.requests) == 2
