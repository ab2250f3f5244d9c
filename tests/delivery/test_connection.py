"""What a connection does when things happen between one request and the next."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

import pytest
from tests.delivery.raw_handler import OK

from tidegate.delivery.connection import Answer, Connection, PassedDeadline
from tidegate.delivery.deadlines import AttemptDeadlines
from tidegate.delivery.reasons import NoAnswer
from tidegate.delivery.writes import Writes


class Wire(asyncio.Transport):
    """A transport that notes what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.aborted = False

    def writelines(self, list_of_data: object) -> None:
        assert isinstance(list_of_data, tuple)
        self.written += b"".join(list_of_data)

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
async def wire() -> Wire:
    return Wire()


@pytest.fixture
async def free() -> list[Connection]:
    return []


@pytest.fixture
async def connection(wire: Wire, free: list[Connection]) -> Connection:
    loop = asyncio.get_running_loop()
    connection = Connection(Writes(loop), AttemptDeadlines(loop), free.append, lambda lost: None)
    connection.connection_made(wire)
    return connection


def ask(connection: Connection, within: float = 30) -> asyncio.Task[Answer]:
    return asyncio.create_task(connection.exchange("POST", b"head", b"body", within))


async def written(wire: Wire) -> None:
    for _ in range(3):  # it begins, waits for the others that are ready, and is written with them
        await asyncio.sleep(0)
    assert wire.written


async def answer_to(connection: Connection, wire: Wire, said: bytes) -> Answer:
    """What an exchange ends with when the handler says this."""
    asking = ask(connection)
    await written(wire)
    connection.data_received(said)
    return await asking


async def test_a_connection_lost_before_it_was_used_is_no_answer(connection: Connection) -> None:
    connection.connection_lost(ConnectionResetError())
    with pytest.raises(NoAnswer) as ended:
        await ask(connection)
    assert ended.value.untaken


async def test_what_comes_before_the_request_has_gone_out_answers_nothing(connection: Connection, wire: Wire) -> None:
    asking = ask(connection)
    await asyncio.sleep(0)  # it has begun, and waits for the others that are ready
    connection.data_received(OK)
    with pytest.raises(NoAnswer) as ended:
        await asking
    assert ended.value.untaken
    assert wire.aborted
    assert wire.written == b""


async def test_what_comes_out_of_turn_ends_the_connection(
    connection: Connection, wire: Wire, free: list[Connection]
) -> None:
    assert await answer_to(connection, wire, OK) == Answer(200)
    assert free == [connection]
    connection.data_received(OK)
    assert wire.aborted


@pytest.mark.parametrize("more", [OK, b"rubbish"])
async def test_a_connection_with_more_than_one_answer_is_not_used_again(
    connection: Connection, wire: Wire, free: list[Connection], more: bytes
) -> None:
    assert await answer_to(connection, wire, b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" + more) == Answer(404)
    assert free == []
    assert wire.aborted


async def test_an_answer_in_single_bytes_is_an_answer(
    connection: Connection, wire: Wire, free: list[Connection]
) -> None:
    asking = ask(connection)
    await written(wire)
    said = b"HTTP/1.1 307 Go\r\nLocation: /there\r\nTransfer-Encoding: chunked\r\n\r\n"
    for byte in said + b"3\r\nabc\r\n0\r\nLocation: /no\r\n\r\n":
        connection.data_received(bytes([byte]))
    assert await asking == Answer(307, location="/there")
    assert free == [connection]


async def test_a_connection_with_its_request_still_under_way_is_not_used_again(
    connection: Connection, wire: Wire, free: list[Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "get_write_buffer_size", lambda: 1)
    assert await answer_to(connection, wire, OK) == Answer(200)
    assert free == []


async def test_an_exchange_that_begins_before_the_last_one_was_told_has_a_deadline_of_its_own(
    connection: Connection, wire: Wire
) -> None:
    first = ask(connection, within=0.3)
    await written(wire)
    connection.data_received(OK)  # the first one has its answer, and does not know it yet
    second = connection.exchange("POST", b"head", b"body", 0.3)
    with pytest.raises(PassedDeadline):
        await second
    assert await first == Answer(200)


async def test_after_a_head_request_the_connection_is_not_used_again(
    connection: Connection, wire: Wire, free: list[Connection]
) -> None:
    """Its answer names the length of a body that does not come."""
    await answer_to(connection, wire, OK)
    assert free.pop() is connection
    asking = asyncio.create_task(connection.exchange("HEAD", b"head", b"", 30))
    await written(wire)
    await asyncio.sleep(0)
    connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
    assert await asking == Answer(200)
    assert free == []
    assert wire.aborted


# Over real sockets: did a connection end before the handler got the request, or after?


class Interrupted(Writes):
    """Something happens in the very moment before a request is written."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.interrupt: Callable[[], None] = lambda: None

    def add(self, write: Callable[[], None]) -> None:
        def interrupted() -> None:
            self.interrupt()
            write()

        super().add(interrupted)


async def kept(writes: Writes) -> tuple[Connection, socket.socket]:
    """A connection that has carried a request, and the handler's side of it."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        _, connection = await loop.create_connection(
            lambda: Connection(writes, AttemptDeadlines(loop), lambda free: None, lambda lost: None),
            *listener.getsockname(),
        )
        handler, _ = listener.accept()
    handler.setblocking(False)
    asking = ask(connection)
    assert await loop.sock_recv(handler, 100) == b"headbody"
    handler.send(OK)
    assert await asking == Answer(200)
    return connection, handler


@pytest.mark.parametrize("body", [b"body", bytes(5_000_000)], ids=["short", "long"])
async def test_a_request_that_crosses_the_close_of_its_connection_was_not_taken(body: bytes) -> None:
    writes = Interrupted(asyncio.get_running_loop())
    connection, handler = await kept(writes)
    writes.interrupt = handler.close
    with pytest.raises(NoAnswer) as ended:
        await connection.exchange("POST", b"head", body, 30)
    assert ended.value.untaken


async def test_a_request_that_the_handler_got_before_it_closed_was_taken() -> None:
    loop = asyncio.get_running_loop()
    connection, handler = await kept(Writes(loop))
    asking = ask(connection)
    assert await loop.sock_recv(handler, 100) == b"headbody"
    handler.close()
    with pytest.raises(NoAnswer) as ended:
        await asking
    assert ended.value.untaken is False
