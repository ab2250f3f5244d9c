"""The door for browsers, before an application that says what reached it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty
from tests.servers.driving import GRPC, Answer, Client, framed, request

from tidegate.core.errors import Code
from tidegate.servers.asgi import App
from tidegate.servers.call import Call
from tidegate.servers.cors import Cors
from tidegate.servers.grpc import GrpcMethod
from tidegate.servers.mounts import Mount
from tidegate.servers.origins import Origins
from tidegate.servers.respond import respond

APP = "http://localhost:3000"
EVIL = "http://evil.example"
DO = "/sample.Things/Do"
TEXT = ("content-type", "text/plain")
REBOUND = ("host", "evil.example")

reached: list[str] = []


@pytest.fixture(autouse=True)
def _nothing_reached() -> None:
    reached.clear()


async def fallback(scope: Any, receive: Any, send: Any) -> None:
    reached.append(scope["path"])
    await respond(scope["method"], send, 200, b"{}")


async def do(message: Empty, call: Call) -> Empty:
    reached.append(call.path)
    return message


def guarded() -> App:
    app = App({DO: GrpcMethod(Empty, do)}, mounts=[Mount("/", fallback, below=True)])
    app.guard(lambda others: Cors(Origins(origins=[APP]), others))
    return app


async def ask(
    method: str, path: str, *headers: tuple[str, str], version: str = "1.1", client: Client | None = None
) -> Answer:
    said = {"host": "localhost:8123", **dict(headers)}
    raw = [(name.encode(), value.encode()) for name, value in said.items()]
    return await request(guarded(), path, method=method, headers=raw, http_version=version, client=client)


@pytest.mark.parametrize("version", ["1.0", "1.1", "2"])
@pytest.mark.parametrize("path", ["/v2/projects/p", "/healthz", "/readyz", "/metrics", "/emulator:reset", "/nowhere"])
async def test_a_refusal_is_403_in_the_form_of_rest_and_reaches_nothing(path: str, version: str) -> None:
    answer = await ask("POST", path, ("sec-fetch-site", "cross-site"), ("origin", EVIL), TEXT, version=version)
    error = json.loads(answer.body)["error"]
    assert (answer.http_status, error["code"], error["status"]) == (403, 403, "PERMISSION_DENIED")
    assert f"--allow-origins {EVIL}" in error["message"]
    assert b"access-control-allow-origin" not in answer.headers
    assert reached == []


async def test_a_name_that_is_not_ours_is_refused_everywhere() -> None:
    for path in ("/v2/projects/p", "/healthz", "/metrics", DO):
        answer = await ask("GET", path, REBOUND)
        assert answer.http_status == 403
        assert "--allow-hosts evil.example" in json.loads(answer.body)["error"]["message"]
    assert reached == []


async def test_a_refusal_of_head_has_no_body() -> None:
    answer = await ask("HEAD", "/v2/projects/p", ("origin", EVIL))
    assert (answer.http_status, answer.body) == (403, b"")


async def test_the_body_of_what_is_refused_is_read_and_dropped() -> None:
    client = Client([b"a", b"b", b"c"])
    assert (await ask("POST", "/v2/projects/p", ("origin", EVIL), client=client)).http_status == 403
    assert client.asked == 3


async def test_a_client_that_leaves_while_its_body_is_dropped_is_let_go() -> None:
    client = Client([b"a"], leaves=True)
    scope = {"type": "http", "method": "POST", "path": "/v2/projects/p", "headers": [(b"origin", EVIL.encode())]}
    await guarded()(scope, client.receive, client.send)
    assert client.sent == []


async def test_who_is_no_browser_notices_nothing() -> None:
    answer = await ask("POST", "/v2/projects/p", TEXT)
    assert (answer.http_status, answer.body, reached) == (200, b"{}", ["/v2/projects/p"])
    assert answer.headers.keys() == {b"content-type", b"content-length"}


async def test_an_allowed_page_may_read_its_answers() -> None:
    answer = await ask("GET", "/v2/projects/p", ("origin", APP), ("sec-fetch-site", "same-site"))
    assert (answer.http_status, reached) == (200, ["/v2/projects/p"])
    assert answer.headers[b"access-control-allow-origin"] == APP.encode()
    assert answer.headers[b"vary"] == b"Origin"
    assert answer.headers[b"content-length"] == b"2"


async def test_the_preflight_of_an_allowed_page_is_answered_for_any_method_and_header() -> None:
    wanted = ("access-control-request-headers", "authorization,content-type,x-mine")
    for method in ("POST", "PATCH", "DELETE", "REPORT"):
        asks = ("access-control-request-method", method)
        answer = await ask("OPTIONS", "/v2/projects/p", ("origin", APP), asks, wanted)
        assert (answer.http_status, answer.body, reached) == (204, b"", [])
        assert answer.headers == {
            b"access-control-allow-origin": APP.encode(),
            b"access-control-allow-methods": method.encode(),
            b"access-control-allow-headers": wanted[1].encode(),
            b"access-control-max-age": b"600",
            b"vary": b"Origin",
        }


async def test_the_preflight_of_any_other_page_is_refused() -> None:
    answer = await ask("OPTIONS", "/v2/projects/p", ("origin", EVIL), ("access-control-request-method", "POST"))
    assert (answer.http_status, reached) == (403, [])
    assert not any(name.startswith(b"access-control") for name in answer.headers)


async def test_an_options_that_is_no_preflight_is_a_call_like_any_other() -> None:
    assert (await ask("OPTIONS", "/v2/projects/p")).http_status == 200
    assert (await ask("OPTIONS", "/v2/projects/p", ("origin", APP))).http_status == 200
    assert reached == ["/v2/projects/p"] * 2


# gRPC


async def call(*headers: tuple[bytes, bytes], version: str, content_type: tuple[bytes, bytes] = GRPC) -> Answer:
    sent = [content_type, *headers]
    return await request(guarded(), DO, [framed(b"")], headers=sent, http_version=version)


async def test_grpc_calls_reach_their_methods_under_any_name() -> None:
    assert (await call((b"host", b"tidegate:8123"), version="2")).status == Code.OK
    assert reached == [DO]


async def test_a_grpc_call_over_http_1_is_judged_as_everything_else() -> None:
    rebound = ((b"host", b"evil.example"), (b"origin", EVIL.encode()))
    assert (await call(*rebound, version="1.1")).http_status == 403
    assert (await call((b"host", b"localhost"), (b"origin", EVIL.encode()), version="1.1")).http_status == 403
    assert reached == []
    assert (await call((b"host", b"localhost"), version="1.1")).status == Code.OK


@pytest.mark.parametrize("version", ["1.1", "2"])
async def test_what_a_page_may_send_without_asking_is_no_grpc_call(version: str) -> None:
    for content_type in (b"text/plain", b"text/plain, application/grpc", b"application/x-www-form-urlencoded", b""):
        answer = await call((b"host", b"localhost"), version=version, content_type=(b"content-type", content_type))
        assert answer.http_status == 415
    assert reached == []


async def test_the_preflight_of_a_grpc_call_is_not_answered() -> None:
    for version in ("1.1", "2"):
        preflight = [(b"host", b"localhost"), (b"origin", EVIL.encode()), (b"access-control-request-method", b"POST")]
        answer = await request(guarded(), DO, method="OPTIONS", headers=preflight, http_version=version)
        assert answer.http_status in {403, 415}
        assert not any(name.startswith(b"access-control") for name in answer.headers)
