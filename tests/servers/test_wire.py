"""Calls over the wire: the front as it runs in production, and clients that others wrote."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import grpc
import h2.config
import h2.connection
import h2.events
import httpx
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_status import rpc_status
from tests.servers.driving import framed
from tests.servers.large_call import large_call
from tests.servers.running import Caller, Front, calling, running

LIMIT = 128 * 1024 * 1024


@pytest.fixture(scope="module")
def front() -> Iterator[Front]:
    with running() as front:
        yield front


@pytest.fixture
def call(front: Front) -> Iterator[Caller]:
    with calling(front) as caller:
        yield caller


def test_a_call_is_answered(call: Caller) -> None:
    assert call("Echo", "hällo") == "hällo"


def test_an_error_arrives_with_its_text_and_its_details(call: Caller) -> None:
    error = call.error("Fail", "Größe: 100 %\nzweite Zeile")
    assert (error.code(), error.details()) == (grpc.StatusCode.NOT_FOUND, "Größe: 100 %\nzweite Zeile")
    status = rpc_status.from_call(error)
    assert status.message == "Größe: 100 %\nzweite Zeile"
    assert [detail.type_url for detail in status.details] == ["type.googleapis.com/google.rpc.ErrorInfo"]


def test_an_error_text_longer_than_any_header_arrives_cut(call: Caller) -> None:
    error = call.error("Fail", "ü" * 100_000)
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert (error.details() or "").startswith("üüü")


def test_a_bug_in_a_handler_is_internal(call: Caller) -> None:
    error = call.error("Break")
    assert (error.code(), error.details()) == (grpc.StatusCode.INTERNAL, "Internal error encountered.")


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_a_compressed_call_is_answered(call: Caller, compression: grpc.Compression) -> None:
    assert call("Echo", "x" * 100_000, compression=compression) == "x" * 100_000


def test_a_deadline_ends_the_call_and_its_handler(front: Front, call: Caller) -> None:
    assert call.error("Hold", timeout=0.2).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [front.line(), front.line()] == ["holding", "cancelled"]


def test_an_unknown_method_is_unimplemented(call: Caller) -> None:
    error = call.error("Undo")
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    assert error.details() == "unknown method Undo for service sample.Sample"
    assert call.error("/sample.Others/Do").details() == "unknown service sample.Others"


def test_metadata_arrives_as_it_was_sent(call: Caller) -> None:
    sent = [("x-goog-request-params", "name=projects%2Fp%2Fqueues%2Fq&x=ä".encode()), ("with_underscore", "1")]
    text = [(name, value.decode("latin-1") if isinstance(value, bytes) else value) for name, value in sent[1:]]
    text.append(("x-goog-request-params", "name=projects%2Fp%2Fqueues%2Fq"))
    assert call("Metadata", "x-goog-request-params", metadata=text) == "'name=projects%2Fp%2Fqueues%2Fq'"
    assert call("Metadata", "with_underscore", metadata=text) == "'1'"
    assert call("Metadata", "id-bin", metadata=[("id-bin", b"\x00\xff")]) == r"b'\x00\xff'"


def test_a_message_of_100_mb_is_taken_and_one_over_the_limit_refused(front: Front, call: Caller) -> None:
    length = "/sample.Sample/Length"
    target = front.url.removeprefix("http://")
    assert large_call(target, length, 100_000_000) == ("OK", "100000000")
    status, text = large_call(target, length, LIMIT)
    assert status == "RESOURCE_EXHAUSTED"
    assert text == f"Received message larger than max ({LIMIT + 5} vs. {LIMIT})"
    assert call("Echo", "still here") == "still here"


def test_a_small_message_that_unpacks_to_a_huge_one_is_refused(front: Front) -> None:
    target = front.url.removeprefix("http://")
    assert large_call(target, "/sample.Sample/Length", LIMIT, "gzip")[0] == "RESOURCE_EXHAUSTED"


def test_the_health_service_answers_a_health_checker(call: Caller) -> None:
    check = call.raw("/grpc.health.v1.Health/Check")
    assert check(b"") == b"\x08\x01"
    assert check(b"\x0a\x0dsample.Sample") == b"\x08\x01"
    with pytest.raises(grpc.RpcError) as unknown:
        check(b"\x0a\x01x")
    assert unknown.value.code() is grpc.StatusCode.NOT_FOUND
    watch: Any = call.channel.unary_stream("/grpc.health.v1.Health/Watch")
    with pytest.raises(grpc.RpcError) as unwatched:
        next(watch(b""))
    assert unwatched.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_message_in_single_bytes_over_http_2_is_answered(front: Front) -> None:
    connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
    message = framed(StringValue(value="piece by piece").SerializeToString())
    headers: dict[str, str] = {}
    data = b""
    with socket.create_connection(("127.0.0.1", front.port)) as wire:
        connection.initiate_connection()
        connection.send_headers(
            1,
            [
                (":method", "POST"),
                (":path", "/sample.Sample/Echo"),
                (":scheme", "http"),
                (":authority", "localhost"),
                ("content-type", "application/grpc+proto"),
                ("te", "trailers"),
            ],
        )
        for byte in message:
            connection.send_data(1, bytes([byte]))
            wire.sendall(connection.data_to_send())
        connection.end_stream(1)
        wire.sendall(connection.data_to_send())
        ended = False
        while not ended:
            for event in connection.receive_data(wire.recv(65536)):
                if isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived):
                    headers |= dict(event.headers or ())  # type: ignore[arg-type]
                elif isinstance(event, h2.events.DataReceived):
                    data += event.data or b""
                ended = ended or isinstance(event, h2.events.StreamEnded)
    assert data == message
    assert headers[":status"] == "200"
    assert headers["grpc-status"] == "0"
    assert headers["server"] == "tidegate"


# The same port, without gRPC


def test_http_1_asks_for_health(front: Front) -> None:
    answer = httpx.get(f"{front.url}/healthz")
    assert (answer.http_version, answer.status_code, answer.json()) == ("HTTP/1.1", 200, {"status": "alive"})
    assert answer.headers["server"] == "tidegate"
    assert httpx.get(f"{front.url}/readyz").json() == {"status": "serving"}


def test_a_connection_goes_on_after_asking_for_the_head_of_an_answer(front: Front) -> None:
    client = HTTPConnection("127.0.0.1", front.port, timeout=10)
    for method in ("HEAD", "GET", "HEAD", "GET"):
        client.request(method, "/healthz")
        answer = client.getresponse()
        assert (answer.status, bool(answer.read())) == (200, method == "GET")
    client.close()


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.0\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET http://y/healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nFolded: a\r\n b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nBare: a\rb\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
        b"POST /healthz HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"GET /100% HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_a_head_that_two_readers_may_understand_differently_is_refused(front: Front, head: bytes) -> None:
    assert refused(front, head)


def refused(front: Front, head: bytes) -> bool:
    """Whether nothing was done: an error that says so, or no answer at all, and then the end of the connection."""
    answer = b""
    with socket.create_connection(("127.0.0.1", front.port), timeout=30) as wire:
        wire.sendall(head)
        while part := wire.recv(65536):
            answer += part
    return answer == b"" or answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 501 "))


@pytest.mark.parametrize("method", ["FOO", "PROPFIND", "get"])
def test_a_method_that_nobody_knows_arrives(front: Front, method: str) -> None:
    client = HTTPConnection("127.0.0.1", front.port, timeout=10)
    for _ in range(2):
        client.request(method, "/v2/x", body=b"{}")
        assert client.getresponse().read() == b"/v2/x?"
    client.close()


@pytest.mark.parametrize("method", ["F OO", "F\x7fO", "F:O", "\u00fc", ""])
def test_what_is_no_method_is_refused_at_once(front: Front, method: str) -> None:
    assert refused(front, f"{method} /v2/x HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def test_nobody_is_tunnelled(front: Front) -> None:
    assert refused(front, b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n")


def test_a_path_arrives_as_it_was_sent(front: Front) -> None:
    path = b"/v2/projects/example.com:app/queues/a%2Fb//c/../d%3Ae:run?x=%20&$alt=json;enum-encoding=int"
    with socket.create_connection(("127.0.0.1", front.port)) as wire:
        wire.sendall(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := wire.recv(65536):
            answer += part
    assert answer.endswith(b"\r\n\r\n" + path)


def test_a_body_without_a_content_type_of_grpc_is_not_a_call(front: Front) -> None:
    answer = httpx.post(f"{front.url}/sample.Sample/Echo", content=b"{}")
    assert answer.status_code == 415
    answer = httpx.post(f"{front.url}/other", json={})
    assert (answer.status_code, answer.text) == (200, "/other?")


def test_a_broken_request_hurts_nobody_else(front: Front, call: Caller) -> None:
    for nonsense in (
        b"\0" * 100,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
        b"GET / HTTP/1.1\r\nA b: c\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", front.port)) as wire:
            wire.sendall(nonsense)
            wire.shutdown(socket.SHUT_WR)
            while wire.recv(65536):
                pass
    assert call("Echo", "well") == "well"


@pytest.mark.parametrize("path", ["/%FF", "/%ED%A0%80", "/%C3x"])
def test_a_path_that_cannot_be_decoded_is_refused(front: Front, path: str) -> None:
    client = HTTPConnection("127.0.0.1", front.port, timeout=10)
    client.request("GET", path)
    answer = client.getresponse()
    text = "The path is not percent-encoded UTF-8."
    assert (answer.status, answer.headers["Content-Type"]) == (400, "application/json; charset=UTF-8")
    assert json.load(answer) == {"error": {"code": 400, "message": text, "status": "INVALID_ARGUMENT"}}
    client.close()
