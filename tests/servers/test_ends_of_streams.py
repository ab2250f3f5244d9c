"""Every way in which streams end, and the heartbeats in between."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from tests.servers.driving import framed, in_virtual_time
from tests.servers.streaming import EVENT, LINES, REQUEST, Listener, Watched, call_of, events, never, two

from tidegate.core.errors import Code, NotFound
from tidegate.servers.call import Disconnected
from tidegate.servers.streams import HEARTBEAT, STUCK


async def fails(request: Any) -> AsyncGenerator[Any, None]:
    yield EVENT(text="first")
    raise NotFound("It is gone.")


async def breaks(request: Any) -> AsyncGenerator[Any, None]:
    yield EVENT(text="first")
    raise ZeroDivisionError


async def test_an_error_ends_the_stream_with_what_it_was() -> None:
    answer = await Watched(fails).grpc()
    assert ([event.text for event in events(answer)], answer.status) == (["first"], Code.NOT_FOUND)
    line = (await Watched(fails).rest(None, LINES)).body.splitlines()[-1]
    assert json.loads(line) == {"error": {"code": 404, "message": "It is gone.", "status": "NOT_FOUND"}}
    last = (await Watched(fails).rest()).body.split(b"\n\n")[-2]
    assert last.startswith(b'event: status\ndata: {"error":')


async def test_an_unexpected_error_tells_nothing_of_itself() -> None:
    answer = await Watched(breaks).grpc()
    assert (answer.status, answer.text) == (Code.INTERNAL, "Internal error encountered.")
    assert b"ZeroDivision" not in (await Watched(breaks).rest()).body


async def test_a_client_that_leaves_is_noticed_at_once() -> None:
    watched, client = Watched(never), Listener(framed(REQUEST(parent="-").SerializeToString()))
    call = asyncio.ensure_future(watched.app(*call_of(client)))
    await asyncio.sleep(0.01)
    assert watched.closed == 0
    client.leave()
    await call
    assert [message["type"] for message in client.sent] == ["http.response.start"]


async def test_a_stream_whose_call_is_cancelled_closes_what_it_reads_from() -> None:
    watched = Watched(one_then_never)
    client = Listener(framed(REQUEST(parent="-").SerializeToString()))
    call = asyncio.ensure_future(watched.app(*call_of(client)))
    await asyncio.sleep(0.01)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert watched.closed == 1


async def one_then_never(request: Any) -> AsyncGenerator[Any, None]:
    yield EVENT(text="first")
    await asyncio.Event().wait()


def test_without_news_there_is_a_heartbeat() -> None:
    async def scene() -> None:
        for start, beat in ((Watched(one_then_never).grpc, b"\0\0\0\0\0"), (Watched(one_then_never).rest, b":\n\n")):
            client = Listener(framed(REQUEST(parent="-").SerializeToString()))
            call = asyncio.ensure_future(start(client))
            await asyncio.sleep(HEARTBEAT * 2.5)
            assert client.body.count(beat) == 2
            assert client.body.endswith(beat)
            client.leave()
            await asyncio.wait([call])

    in_virtual_time(scene())


def test_the_deadline_of_a_call_ends_it() -> None:
    async def scene() -> None:
        answer = await Watched(one_then_never).grpc(None, (b"grpc-timeout", b"40S"))
        assert answer.status == Code.DEADLINE_EXCEEDED
        assert asyncio.get_running_loop().time() == pytest.approx(40)

    in_virtual_time(scene())


def test_a_server_that_stops_ends_its_streams_at_once() -> None:
    async def scene() -> None:
        watched = Watched(never)
        over_grpc = asyncio.ensure_future(watched.grpc())
        over_rest = asyncio.ensure_future(watched.rest())
        await asyncio.sleep(1)
        await watched.app.leave()
        assert (await over_grpc).status == Code.UNAVAILABLE
        assert b"The server is shutting down." in (await over_rest).body
        assert asyncio.get_running_loop().time() < 1.1

    in_virtual_time(scene())


def test_a_client_that_does_not_read_does_not_hold_up_the_stop() -> None:
    async def scene() -> None:
        watched, client = Watched(one_then_never), Listener(framed(REQUEST(parent="-").SerializeToString()))
        call = asyncio.ensure_future(watched.app(*call_of(client)))
        client.reading.clear()
        await asyncio.sleep(1)
        await watched.app.leave()
        await call
        assert asyncio.get_running_loop().time() < 1.1

    in_virtual_time(scene())


async def one_by_one(request: Any) -> AsyncGenerator[Any, None]:
    while True:
        yield EVENT(text="first")
        await asyncio.sleep(2)


def test_a_client_that_takes_nothing_for_a_minute_counts_as_gone() -> None:
    async def scene() -> None:
        for start in ("grpc", "rest"):
            watched, client = Watched(one_by_one), Listener(framed(REQUEST(parent="-").SerializeToString()))
            loop = asyncio.get_running_loop()
            began = loop.time()
            loop.call_later(1, client.reading.clear)
            with pytest.raises((AssertionError, Disconnected)):  # there is no whole answer
                await getattr(watched, start)(client)
            assert loop.time() == pytest.approx(began + HEARTBEAT + STUCK)
            assert watched.closed == 1

    in_virtual_time(scene())


async def test_the_writer_that_is_cut_is_no_error() -> None:
    watched = Watched(two)

    class Gone(Listener):
        async def send(self, message: Any) -> None:
            if message["type"] == "http.response.body":
                raise OSError
            await super().send(message)

    for start in (watched.grpc, watched.rest):
        client = Gone(framed(REQUEST(parent="-").SerializeToString()))
        with pytest.raises((AssertionError, Disconnected)):  # there is no whole answer
            await start(client)
        assert [message["type"] for message in client.sent] == ["http.response.start"]
