"""Bodies, whole and broken, as a gRPC server meets them. Driven without a network."""

from __future__ import annotations

import asyncio
import gzip
import os
import zlib
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import given
from hypothesis import strategies as st
from tests.servers.driving import GRPC, TRAILERS, Answer, Client, framed, request

from tidegate.core.errors import Code
from tidegate.servers import framing
from tidegate.servers.call import Call
from tidegate.servers.framing import MESSAGE_MAX
from tidegate.servers.grpc import GrpcMethod, GrpcServer

SAY = "/sample.Echo/Say"
HELLO = StringValue(value="hello").SerializeToString()
ZIPPED = gzip.compress(HELLO, mtime=0)
GZIP = (b"grpc-encoding", b"gzip")


async def say(message: StringValue, _call: Call) -> StringValue:
    return message


server = GrpcServer({SAY: GrpcMethod(StringValue, say)})


async def send(*chunks: bytes, headers: Any = ()) -> Answer:
    return await request(server, SAY, chunks, headers=(GRPC, *headers))


async def test_a_message_comes_back_in_one_frame_with_status_ok_in_the_trailers() -> None:
    answer = await send(framed(HELLO))
    assert answer.http_status == 200
    assert answer.headers == {b"content-type": b"application/grpc"}
    assert answer.payload == HELLO
    assert answer.trailers == {b"grpc-status": b"0"}


@given(st.data())
def test_a_message_may_come_in_any_pieces(data: st.DataObject) -> None:
    body = framed(StringValue(value=data.draw(st.text())).SerializeToString())
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)))))
    chunks = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    answer = asyncio.run(send(*chunks))
    assert (answer.status, answer.payload) == (0, body[5:])


async def test_an_empty_message_is_a_message() -> None:
    assert (await send(framed(b""))).status == 0


@pytest.mark.parametrize(
    ("body", "headers", "code", "text"),
    [
        (b"", (), Code.INVALID_ARGUMENT, "no message"),
        (b"\0\0\0", (), Code.INVALID_ARGUMENT, "middle of a message"),
        (framed(HELLO)[:-1], (), Code.INVALID_ARGUMENT, "middle of a message"),
        (framed(HELLO) + b"x", (), Code.INVALID_ARGUMENT, "more than one message"),
        (framed(HELLO) * 2, (), Code.INVALID_ARGUMENT, "more than one message"),
        (framed(HELLO, flag=2), (), Code.INVALID_ARGUMENT, "flag 2"),
        (framed(b"\xff\xff\xff"), (), Code.INVALID_ARGUMENT, "no valid StringValue"),
        (framed(b"\x0a\x02\xff\xfe"), (), Code.INVALID_ARGUMENT, "no valid StringValue"),  # not UTF-8
        (framed(ZIPPED, flag=1), (), Code.INTERNAL, "grpc-encoding names no compression"),
        (framed(ZIPPED, flag=1), ((b"grpc-encoding", b"identity"),), Code.INTERNAL, "names no compression"),
        (framed(HELLO, flag=1), (GZIP,), Code.INTERNAL, "damaged"),
        (framed(ZIPPED[:-4], flag=1), (GZIP,), Code.INTERNAL, "damaged"),
        (framed(ZIPPED + b"x", flag=1), (GZIP,), Code.INTERNAL, "damaged"),
        (framed(ZIPPED + ZIPPED[:-1], flag=1), (GZIP,), Code.INTERNAL, "damaged"),
        (framed(zlib.compress(HELLO) * 2, flag=1), ((b"grpc-encoding", b"deflate"),), Code.INTERNAL, "damaged"),
        (framed(ZIPPED, flag=1), ((b"grpc-encoding", b"snappy"),), Code.UNIMPLEMENTED, "'snappy'"),
        (b"\0\xff\xff\xff\xff", (), Code.RESOURCE_EXHAUSTED, "larger than max (4294967295 vs. 134217728)"),
    ],
)
async def test_a_broken_body_gets_one_clean_error(body: bytes, headers: Any, code: Code, text: str) -> None:
    for chunks in ([body], [body[:3], body[3:]], [bytes([byte]) for byte in body]):
        answer = await send(*chunks, headers=headers)
        assert (answer.http_status, answer.status) == (200, code)
        assert text in answer.text
        assert answer.body == b""


@pytest.mark.parametrize(
    ("encoding", "compressed"),
    [
        (b"gzip", ZIPPED),
        (b"deflate", zlib.compress(HELLO)),
        (b"gzip", gzip.compress(b"", mtime=0)),
        (b"gzip", gzip.compress(HELLO[:3], mtime=0) + gzip.compress(b"", mtime=0) + gzip.compress(HELLO[3:], mtime=0)),
    ],
)
async def test_a_compressed_message_is_unpacked(encoding: bytes, compressed: bytes) -> None:
    answer = await send(framed(compressed, flag=1), headers=[(b"grpc-encoding", encoding)])
    assert answer.status == 0


async def test_a_message_may_stay_unpacked_where_a_compression_is_named() -> None:
    assert (await send(framed(HELLO), headers=[GZIP])).status == 0


async def test_an_unknown_compression_is_told_which_are_known() -> None:
    answer = await send(framed(ZIPPED, flag=1), headers=[(b"grpc-encoding", b"br")])
    assert answer.headers[b"grpc-accept-encoding"] == b"identity,deflate,gzip"


async def test_a_large_message_is_unpacked() -> None:
    large = StringValue(value=bytes(range(1, 128)).decode() * 100 + os.urandom(2_000_000).hex()).SerializeToString()
    assert (await send(framed(gzip.compress(large, 1, mtime=0), flag=1), headers=[GZIP])).payload == large


async def test_a_message_over_the_limit_is_refused_before_it_is_read() -> None:
    client = Client([b"\0" + (MESSAGE_MAX + 1).to_bytes(4, "big"), *[b"x" * 1000] * 1000])
    answer = await request(server, SAY, client=client)
    assert answer.status == Code.RESOURCE_EXHAUSTED
    assert client.asked == 2  # the end of a body may come by itself


async def test_a_message_of_exactly_the_limit_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(framing, "MESSAGE_MAX", len(HELLO))
    assert (await send(framed(HELLO)[:7], framed(HELLO)[7:])).status == 0
    assert (await send(framed(HELLO))).status == 0


async def test_a_small_body_that_unpacks_to_a_huge_one_is_refused() -> None:
    bomb = gzip.compress(bytes(MESSAGE_MAX + 1))
    assert len(bomb) < 200_000
    assert (await send(framed(bomb, flag=1), headers=[GZIP])).status == Code.RESOURCE_EXHAUSTED


async def test_nothing_is_answered_to_a_client_that_leaves_in_the_middle() -> None:
    client = Client([framed(HELLO)[:6]], leaves=True)
    scope = {"type": "http", "method": "POST", "path": SAY, "headers": [GRPC, TRAILERS]}
    await server(scope, client.receive, client.send)
    assert client.sent == []


MALFORMED = {Code.OK, Code.INVALID_ARGUMENT, Code.RESOURCE_EXHAUSTED, Code.UNIMPLEMENTED}


@given(
    st.lists(st.binary(max_size=40), max_size=4)
    | st.builds(lambda p, f, rest: [framed(p, flag=f) + rest], st.binary(), st.integers(0, 3), st.binary(max_size=3)),
    st.sampled_from([None, b"identity", b"gzip", b"deflate", b"nonsense", b"\xff"]),
    st.sampled_from([None, b"20S", b"1n", b"x", b""]) | st.binary(max_size=10),
)
def test_whatever_comes_there_is_exactly_one_status(
    chunks: list[bytes], encoding: bytes | None, timeout: bytes | None
) -> None:
    headers = [(b"grpc-encoding", encoding)] if encoding is not None else []
    headers += [(b"grpc-timeout", timeout)] if timeout is not None else []
    answer = asyncio.run(send(*chunks, headers=headers))
    if answer.status == Code.INTERNAL:
        # The code that grpc/doc/compression.md fixes for these.
        assert any(word in answer.text for word in ("damaged", "names no compression"))
    else:
        assert answer.status in MALFORMED
    assert bool(answer.trailers) == (answer.status == 0)
