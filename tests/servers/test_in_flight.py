"""The bytes of requests and answers in flight are bounded together; short calls are not counted."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from tests.servers.api import QUEUE, call, refused, rest_of, still_engine
from tests.servers.driving import GRPC, TRAILERS, Client, framed, request

from tidegate.core.errors import Code, ResourceExhausted
from tidegate.schema.limits import SMALL
from tidegate.servers.grpc import GrpcMethod, GrpcServer
from tidegate.servers.in_flight import InFlight
from tidegate.servers.rest import RestServer

ECHO = "/sample.Sample/Echo"
LARGE = StringValue(value="x" * 100_000).SerializeToString()
SHORT = StringValue(value="x").SerializeToString()


def test_what_a_call_holds_counts_until_it_is_closed() -> None:
    in_flight = InFlight(100)
    one, two = in_flight.hold(), in_flight.hold()
    one.grow_to(60)
    one.grow_to(50)
    with pytest.raises(ResourceExhausted, match="hold 60 bytes, and 41 more would exceed the limit of 100"):
        two.grow_to(41)
    two.grow_to(40)
    one.close()
    two.grow_to(500)  # alone it may always go on: its own limit bounds it
    two.close()
    two.close()
    assert in_flight.bytes == 0


def test_an_answer_that_must_be_given_is_held_whatever_the_limit() -> None:
    in_flight = InFlight(100)
    in_flight.hold().grow_to(100)
    answer = in_flight.hold()
    answer.insist(70)
    assert in_flight.bytes == 170
    answer.close()
    assert in_flight.bytes == 100


async def echo(message: Any, _call: Any) -> Any:
    return message


@pytest.mark.parametrize("pieces", [1, 7])
async def test_an_upload_counts_as_it_arrives_and_is_refused_beyond_the_limit(pieces: int) -> None:
    in_flight = InFlight(2 * SMALL)
    server = GrpcServer({ECHO: GrpcMethod(StringValue, echo)}, in_flight)
    other = in_flight.hold()
    other.grow_to(SMALL)
    body = framed(LARGE)
    step = -(-len(body) // pieces)
    chunks = [body[at : at + step] for at in range(0, len(body), step)]
    assert (await request(server, ECHO, chunks)).status == Code.RESOURCE_EXHAUSTED
    assert in_flight.bytes == SMALL
    assert (await request(server, ECHO, [framed(SHORT)])).status == 0  # short calls go on
    other.close()
    assert (await request(server, ECHO, chunks)).payload == LARGE
    assert in_flight.bytes == 0


@pytest.mark.parametrize("insists", [False, True])
async def test_an_answer_beyond_the_limit_is_refused_unless_it_tells_of_work_done(insists: bool) -> None:
    async def large(_message: Any, _call: Any) -> bytes:
        return LARGE

    in_flight = InFlight(SMALL)
    in_flight.hold().grow_to(SMALL)
    server = GrpcServer({ECHO: GrpcMethod(StringValue, large, insists=insists)}, in_flight)
    answer = await request(server, ECHO, [framed(SHORT)])
    assert answer.status == (0 if insists else Code.RESOURCE_EXHAUSTED)
    assert in_flight.bytes == SMALL


async def test_a_client_that_leaves_holds_nothing_any_more() -> None:
    in_flight = InFlight()
    server = GrpcServer({ECHO: GrpcMethod(StringValue, echo)}, in_flight)
    client = Client([framed(LARGE)[:90_000]], leaves=True)
    await server(
        {"type": "http", "method": "POST", "path": ECHO, "headers": [GRPC, TRAILERS]},
        client.receive,
        client.send,
    )
    assert client.sent == []
    assert in_flight.bytes == 0


async def test_a_call_that_is_cancelled_holds_nothing_any_more() -> None:
    in_flight = InFlight()
    begun = asyncio.Event()

    async def hangs(_message: Any, _call: Any) -> None:
        begun.set()
        await asyncio.Event().wait()

    server = GrpcServer({ECHO: GrpcMethod(StringValue, hangs)}, in_flight)
    calling = asyncio.ensure_future(request(server, ECHO, [framed(LARGE)[:70_000], framed(LARGE)[70_000:]]))
    await begun.wait()
    assert in_flight.bytes > SMALL
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert in_flight.bytes == 0


async def test_rest_counts_what_it_reads_and_what_it_answers() -> None:
    engine = still_engine()
    in_flight = InFlight(SMALL)
    rest = RestServer(rest_of(engine)._answers, in_flight)
    await call(rest, "POST", f"/v2/{QUEUE.rsplit('/', 1)[0]}", {"name": QUEUE})
    other = in_flight.hold()
    other.grow_to(SMALL)
    task = {"task": {"httpRequest": {"url": "http://x", "body": "QUJD" * 30_000}}}
    assert refused(await call(rest, "POST", f"/v2/{QUEUE}/tasks", json.dumps(task).encode()))[:2] == (
        429,
        "RESOURCE_EXHAUSTED",
    )
    assert in_flight.bytes == SMALL
    other.close()
    assert (await call(rest, "POST", f"/v2/{QUEUE}/tasks", task)).http_status == 200
    assert in_flight.bytes == 0
