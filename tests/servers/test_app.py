"""One application for everything: health, what is not gRPC, start, drain and stop. Driven without a network."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty
from tests.servers.driving import GRPC, TRAILERS, Answer, Client, framed, in_virtual_time, request

from tidegate.core.errors import Code
from tidegate.operator_errors import OperatorError
from tidegate.servers.asgi import LAST_ANSWERS, LOOK_PAUSE, App, is_utf8, not_found
from tidegate.servers.call import Call
from tidegate.servers.grpc import GrpcMethod
from tidegate.servers.health import CHECK, HealthCheckRequest, HealthCheckResponse
from tidegate.servers.mounts import Mount
from tidegate.servers.respond import respond

DO = "/sample.Things/Do"
JSON = (b"content-type", b"application/json")
Status = HealthCheckResponse.ServingStatus


async def nothing(message: Empty, call: Call) -> Empty:
    return message


class Running:
    """An application between its start and its stop."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __aenter__(self) -> Running:
        await self.app.start()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.app.leave()
        await self.app.stop()


async def get(app: App, path: str) -> Answer:
    return await request(app, path, method="GET", headers=())


async def health(app: App, service: str = "") -> Answer:
    return await request(app, CHECK, [framed(HealthCheckRequest.serialize({"service": service}))])


async def test_healthz_says_that_the_process_lives() -> None:
    async with Running(App()) as running:
        answer = await get(running.app, "/healthz")
        assert (answer.http_status, json.loads(answer.body)) == (200, {"status": "alive"})


async def ready(app: App) -> tuple[int, str, bool]:
    """What ``/readyz`` says, and whether it says why."""
    answer = await get(app, "/readyz")
    said = json.loads(answer.body)
    return answer.http_status or 0, said["status"], bool(said.get("reason"))


async def test_readyz_says_whether_calls_are_welcome_and_why_not() -> None:
    app = App()
    assert await ready(app) == (503, "starting", True)
    async with Running(app):
        assert await ready(app) == (200, "serving", False)
        app.store_away = lambda: "PostgreSQL has not been reached for 3 s"
        assert await ready(app) == (503, "store away", True)
        assert json.loads((await get(app, "/readyz")).body)["reason"] == "PostgreSQL has not been reached for 3 s"
        assert HealthCheckResponse.deserialize((await health(app)).payload).status == Status.NOT_SERVING
    assert await ready(app) == (503, "stopping", True)
    assert (await get(app, "/healthz")).http_status == 200


async def test_the_health_service_answers_for_the_server_and_for_each_service() -> None:
    app = App({DO: GrpcMethod(Empty, nothing)})
    for service in ("", "sample.Things"):
        assert HealthCheckResponse.deserialize((await health(app, service)).payload).status == Status.NOT_SERVING
    async with Running(app):
        for service in ("", "sample.Things"):
            assert HealthCheckResponse.deserialize((await health(app, service)).payload).status == Status.SERVING
        assert (await health(app, "sample.Others")).status == Code.NOT_FOUND


async def test_watching_health_is_unimplemented() -> None:
    answer = await request(App(), "/grpc.health.v1.Health/Watch", [framed(b"")])
    assert answer.status == Code.UNIMPLEMENTED


async def test_a_known_path_is_a_call_and_any_other_call_is_unimplemented() -> None:
    app = App({DO: GrpcMethod(Empty, nothing)})
    assert (await request(app, DO, [framed(b"")])).status == 0
    assert (await request(app, "/sample.Things/Undo", [framed(b"")])).status == Code.UNIMPLEMENTED


async def test_what_is_not_grpc_goes_to_the_fallback() -> None:
    async def fallback(scope: Any, receive: Any, send: Any) -> None:
        await respond(scope["method"], send, 200, scope["path"].encode())

    answer = await request(App(mounts=[Mount("/", fallback, below=True)]), "/v2/projects", headers=[JSON])
    assert answer.body == b"/v2/projects"


async def test_without_a_fallback_it_is_not_found_in_the_form_of_rest() -> None:
    answer = await request(App(), "/v2/projects", headers=[JSON])
    assert answer.http_status == 404
    assert answer.headers[b"content-type"] == b"application/json; charset=UTF-8"
    assert json.loads(answer.body)["error"]["status"] == "NOT_FOUND"


async def test_a_bug_in_the_fallback_is_500_in_the_form_of_rest(caplog: pytest.LogCaptureFixture) -> None:
    async def fallback(scope: Any, receive: Any, send: Any) -> None:
        raise OSError(28, "No space left on device")

    answer = await request(App(mounts=[Mount("/", fallback, below=True)]), "/v2/projects", headers=[JSON], method="GET")
    assert (answer.http_status, json.loads(answer.body)["error"]["status"]) == (500, "INTERNAL")
    assert "GET /v2/projects failed" in caplog.text


async def test_a_client_that_leaves_the_fallback_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def gone(message: Any) -> None:
        raise ConnectionResetError

    with caplog.at_level(logging.INFO):
        await App()(
            {"type": "http", "method": "GET", "path": "/", "raw_path": b"/", "headers": []}, Client([]).receive, gone
        )
    assert caplog.records == []


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/readyz", 503), ("/nowhere", 404), ("/broken", 500), ("/late", 503)]
)
async def test_head_is_get_without_the_body(path: str, status: int) -> None:
    async def fallback(scope: Any, receive: Any, send: Any) -> None:
        if path == "/broken":
            raise ValueError(path)
        await not_found(scope, receive, send)

    app = App(mounts=[Mount("/", fallback, below=True)])
    if path == "/late":
        async with Running(app):
            pass
    whole = await get(app, path)
    head = await request(app, path, method="HEAD", headers=())
    assert (head.http_status, head.headers, head.body) == (status, whole.headers, b"")
    assert whole.body


# A life


async def test_start_drain_and_stop_come_in_this_order() -> None:
    steps: list[str] = []

    def step(name: str) -> Any:
        async def run() -> None:
            steps.append(name)

        return run

    async with Running(App(start=step("start"), drain=step("drain"), stop=step("stop"))):
        assert steps == ["start"]
    assert steps == ["start", "drain", "stop"]


async def test_start_may_bring_the_methods_and_the_fallback() -> None:
    async def start() -> None:
        app.serve({DO: GrpcMethod(Empty, nothing)})

    app = App(start=start)
    async with Running(app):
        assert (await request(app, DO, [framed(b"")])).status == 0


async def test_after_a_start_that_failed_it_is_not_ready() -> None:
    async def start() -> None:
        raise OperatorError("the store is locked: stop the other server")

    app = App(start=start)
    with pytest.raises(OperatorError, match="the store is locked"):
        await app.start()
    assert (await get(app, "/readyz")).http_status == 503


async def test_a_step_of_the_shutdown_that_fails_does_not_stop_the_next(caplog: pytest.LogCaptureFixture) -> None:
    stopped = asyncio.Event()

    async def drain() -> None:
        raise ValueError("cannot drain")

    async def stop() -> None:
        stopped.set()

    async with Running(App(drain=drain, stop=stop)):
        pass
    assert stopped.is_set()
    assert "a step failed" in caplog.text


async def test_while_it_drains_calls_are_answered_and_health_says_not_serving() -> None:
    draining, drained = asyncio.Event(), asyncio.Event()

    async def drain() -> None:
        draining.set()
        await drained.wait()

    app = App({DO: GrpcMethod(Empty, nothing)}, drain=drain)
    async with Running(app):
        leaving = asyncio.ensure_future(app.leave())
        await draining.wait()
        assert (await request(app, DO, [framed(b"")])).status == 0
        assert await ready(app) == (503, "draining", True)
        assert HealthCheckResponse.deserialize((await health(app)).payload).status == Status.NOT_SERVING
        drained.set()
        await leaving


async def test_when_it_has_drained_new_calls_are_unavailable() -> None:
    app = App({DO: GrpcMethod(Empty, nothing)})
    async with Running(app):
        pass
    answer = await request(app, DO, [framed(b"")])
    assert (answer.status, answer.text) == (Code.UNAVAILABLE, "The server is shutting down.")
    assert (await get(app, "/v2/projects")).http_status == 503


@pytest.mark.parametrize(("takes", "stops_after"), [(1.0, 1.0), (60.0, LAST_ANSWERS)])
def test_calls_in_flight_may_end_for_a_while_before_the_stop(takes: float, stops_after: float) -> None:
    async def story() -> None:
        stopped_at: list[float] = []
        begun = asyncio.Event()

        async def handler(message: Empty, call: Call) -> Empty:
            begun.set()
            await asyncio.sleep(takes)
            return message

        async def stop() -> None:
            stopped_at.append(asyncio.get_running_loop().time())

        app = App({DO: GrpcMethod(Empty, handler)}, stop=stop)
        async with Running(app):
            call = asyncio.ensure_future(request(app, DO, [framed(b"")], headers=[GRPC]))
            await begun.wait()
        assert stops_after <= stopped_at[0] <= stops_after + 3 * LOOK_PAUSE
        await call

    in_virtual_time(story())


# Clients that leave, and calls that are cut


class Leaving:
    """A call whose client leaves while the handler works, as the HTTP server tells it: the call is cancelled."""

    def __init__(self, app: App, path: str, headers: list[tuple[bytes, bytes]], method: str = "POST") -> None:
        self.client = Client([framed(b"")])
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": headers}
        self.task = asyncio.ensure_future(app(scope, self.client.receive, self.client.send))


async def test_a_call_whose_client_leaves_ends_without_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def handler(message: Empty, call: Call) -> Empty:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return message

    async with Running(App({DO: GrpcMethod(Empty, handler)})) as running:
        call = Leaving(running.app, DO, [GRPC, TRAILERS])
        await begun.wait()
        call.task.cancel()
        await asyncio.wait({call.task})
        assert (call.task.cancelled(), ended.is_set(), call.client.sent, caplog.records) == (True, True, [], [])


def test_calls_that_outlast_the_last_answers_end_as_unavailable() -> None:
    async def story() -> None:
        async def handler(message: Empty, call: Call) -> Empty:
            await asyncio.Event().wait()
            return message

        async def fallback(scope: Any, receive: Any, send: Any) -> None:
            await asyncio.Event().wait()

        app = App({DO: GrpcMethod(Empty, handler)}, mounts=[Mount("/", fallback, below=True)])
        async with Running(app):
            grpc = Leaving(app, DO, [GRPC, TRAILERS])
            rest = Leaving(app, "/v2/projects", [JSON], "GET")
            await asyncio.sleep(0)
        await asyncio.wait({grpc.task, rest.task})
        assert (grpc.client.answer.status, grpc.client.answer.text) == (
            Code.UNAVAILABLE,
            "The server is shutting down.",
        )
        assert rest.client.answer.http_status == 503

    in_virtual_time(story())


async def test_web_sockets_are_refused() -> None:
    client = Client([])
    await App()({"type": "websocket", "path": DO, "headers": []}, client.receive, client.send)
    assert client.sent == [{"type": "websocket.close"}]


@pytest.mark.parametrize("path", ["/%FF", "/%ED%A0%80", "/%C3x", "/\xff"])
async def test_a_path_that_is_not_utf_8_is_refused(path: str) -> None:
    client = Client([])
    raw = path.encode("latin-1")
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": raw, "headers": []}
    await App()(scope, client.receive, client.send)
    assert client.answer.http_status == 400
    assert json.loads(client.answer.body)["error"]["message"] == "The path is not percent-encoded UTF-8."


@pytest.mark.parametrize("path", ["/", "/%41", "/%C3%A9", "/%F0%9F%98%80", "/\u00e9"])
def test_a_path_passes_that_is_utf_8(path: str) -> None:
    assert is_utf8(path.encode())
