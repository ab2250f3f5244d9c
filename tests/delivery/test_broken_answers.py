"""Handlers that misbehave, and what cannot be sent at all: an outcome with its reason, and never a second request."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.delivery.calls import BROKEN_OFF, SOON, call
from tests.delivery.conftest import StoppedClock
from tests.delivery.raw_handler import Connection, RawHandler, Step, endless, hang_up, raw_handler, reset, say, silence

from tidegate.core.lifecycle import Outcome
from tidegate.delivery.http_sender import HttpSender


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        pytest.param(hang_up(), "connection closed without an answer", id="nothing"),
        pytest.param(hang_up(after=b"HTTP/1.1 20"), "connection closed without an answer", id="half a status"),
        pytest.param(hang_up(after=b"HTTP/1.1 200 OK\r\nX:"), "connection closed without an answer", id="half a head"),
        pytest.param(
            hang_up(after=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), "answer broken off", id="half a body"
        ),
        pytest.param(
            hang_up(after=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"),
            "answer broken off",
            id="half a chunk",
        ),
        pytest.param(reset(), "connection reset", id="reset"),
        pytest.param(say(b"SSH-2.0-OpenSSH_9.9\r\n"), "answer is not HTTP", id="not HTTP"),
        pytest.param(say(b"HTTP/1.1 9999 No\r\n\r\n"), "answer is not HTTP", id="bad status"),
        pytest.param(say(b"HTTP/1.1 099 No\r\n\r\n"), "answer is not HTTP", id="status below 100"),
        pytest.param(say(b"HTTP/2.0 200 OK\r\n\r\n"), "answer is not HTTP", id="bad version"),
        pytest.param(
            say(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
            "answer is not HTTP",
            id="two lengths",
        ),
        pytest.param(
            say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "answer broken off", id="bad chunk"
        ),
        pytest.param(
            endless(b"HTTP/1.1 200 OK\r\nX: ", b"a" * 10_000),
            "answer with too many or too large headers",
            id="a header",
        ),
        pytest.param(
            endless(b"HTTP/1.1 200 OK\r\n", b"X: a\r\n" * 100),
            "answer with too many or too large headers",
            id="headers",
        ),
        pytest.param(
            endless(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 10),
            "answer with too many or too large headers",
            id="interim answers for ever",
        ),
    ],
)
async def test_what_is_no_answer_is_an_outcome_with_a_reason(
    sender: HttpSender, handler: RawHandler, step: Step, reason: str
) -> None:
    handler.does(step)
    assert await sender.send(call(handler.url("/?secret"), "POST", b"secret"), None) == Outcome(reason=reason)
    assert len(handler.requests) == 1


@pytest.mark.parametrize("read", [0, 1, 500, 500_000], ids=lambda read: f"after {read} bytes")
async def test_a_reset_before_the_request_has_come_is_no_answer(sender: HttpSender, read: int) -> None:
    met = 0

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal met
        met += 1
        if read:
            await reader.readexactly(read)
        Connection(reader, writer).reset()

    async with await asyncio.start_server(rude, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sender.send(call(f"http://127.0.0.1:{port}/", "POST", bytes(1_000_000)), None)
    assert outcome.http_status == 0
    assert outcome.reason in BROKEN_OFF
    assert met == 1


@pytest.mark.parametrize(
    "said",
    [
        b"H",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nX-Half: a",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
    ],
)
async def test_a_reset_at_any_point_of_the_answer_is_no_answer(
    sender: HttpSender, handler: RawHandler, said: bytes
) -> None:
    handler.does(reset(said))
    outcome = await sender.send(call(handler.url(), "POST", b"body"), None)
    assert outcome.http_status == 0
    assert outcome.reason in BROKEN_OFF
    assert len(handler.requests) == 1


async def test_a_reset_within_the_body_is_no_answer(sender: HttpSender, handler: RawHandler) -> None:
    async def step(connection: Connection) -> bool:
        # A large part first: when it has come through, the head has been read.
        await connection.say(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + b"a" * 50_000)
        connection.reset()
        return False

    handler.does(step)
    outcome = await sender.send(call(handler.url()), None)
    assert outcome.http_status == 0
    assert outcome.reason in {"answer broken off", "connection reset"}


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(silence(), id="before the answer"),
        pytest.param(silence(after=b"HTTP/1.1 200 OK\r\n"), id="within the head"),
        pytest.param(silence(after=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\na"), id="within the body"),
        pytest.param(silence(after=b"HTTP/1.1 303 Other\r\nContent-Length: 9\r\nLocation: /\r\n\r\n"), id="redirect"),
    ],
)
async def test_the_deadline_covers_everything_up_to_the_end_of_the_answer(
    sender: HttpSender, handler: RawHandler, step: Step
) -> None:
    handler.does(step)
    outcome = await sender.send(call(handler.url(), timeout=SOON), None)
    assert outcome == Outcome(timed_out=True, reason="no whole answer within the deadline")
    assert len(handler.requests) == 1
    await handler.ended.wait()


async def test_the_deadline_covers_a_handshake_that_never_comes(sender: HttpSender) -> None:
    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(4096):
            pass
        writer.close()

    async with await asyncio.start_server(deaf, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        outcome = await sender.send(call(f"https://127.0.0.1:{port}/", timeout=SOON), None)
    assert outcome.timed_out


async def test_a_deadline_already_passed_sends_nothing(sender: HttpSender, handler: RawHandler) -> None:
    outcome = await sender.send(call(handler.url(), timeout=timedelta()), None)
    assert outcome.timed_out
    assert handler.connections == 0


async def test_refused_and_unknown_hosts_are_no_answer(sender: HttpSender) -> None:
    async with raw_handler() as gone:
        pass
    assert await sender.send(call(gone.url()), None) == Outcome(reason="connection refused")
    unknown = await sender.send(call("http://nowhere.invalid/"), None)
    assert unknown.reason in {"host not found", "name server does not answer"}  # the latter without a network


@pytest.mark.parametrize(
    "url",
    ["", "nothing", "http://", "http://[::1/", "http://a b/", "http://1.2.3.4.5/", "http://host:99999/", "ftp://host/"],
)
async def test_a_url_that_cannot_be_called_is_an_outcome(sender: HttpSender, url: str) -> None:
    outcome = await sender.send(call(url), None)
    assert outcome.http_status == 0
    assert outcome.reason


@pytest.mark.parametrize(
    "header",
    [
        ("a b", "c"),
        ("", "x"),
        ("X", "a\nb"),
        ("X", "a\rb"),
        ("X", "\0"),
        ("X", "\xe9"),
        ("host", "a"),
        ("Content-Length", "1"),
    ],
)
async def test_a_header_that_cannot_be_sent_is_an_outcome(
    sender: HttpSender, handler: RawHandler, header: tuple[str, str]
) -> None:
    outcome = await sender.send(call(handler.url(), "POST", b"", header), None)
    assert outcome == Outcome(reason="URL or header cannot be sent", unsendable=True)
    assert handler.connections == 0


async def test_cancelling_hangs_up_at_once(sender: HttpSender, handler: RawHandler) -> None:
    asked = asyncio.Event()

    async def step(connection: Connection) -> bool:
        asked.set()
        await connection.closed_by_peer()
        return False

    handler.does(step)
    sending = asyncio.create_task(sender.send(call(handler.url()), None))
    await asked.wait()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    await handler.ended.wait()


async def test_a_closed_sender_answers_with_an_outcome(clock: StoppedClock, handler: RawHandler) -> None:
    sender = HttpSender(clock)
    await sender.close()
    outcome = await sender.send(call(handler.url()), None)
    assert outcome == Outcome(reason="sender closed")
