"""One application for everything: health, what is not gRPC, start, drain and stop. Driven without a network."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest
from google.protobuf.empty_pb2 import Empty
from tests.servers.driving import GRPC, Answer, Client, framed, in_virtual_time, request

from tidegate.core.errors import Code
from tidegate.servers.asgi import LAST_ANSWERS, LINGER, App, StartupError, not_found, tell_of_a_callback
from tidegate.servers.grpc import Call, Method
from tidegate.servers.health import CHECK, HealthCheckRequest, HealthCheckResponse
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
        self.sent: list[dict[str, Any]] = []
        self._stop = asyncio.Event()
        self._asked = 0

    async def __aenter__(self) -> Running:
        started = asyncio.Event()

        async def receive() -> dict[str, Any]:
            self._asked += 1
            if self._asked == 1:
                return {"type": "lifespan.startup"}
            started.set()
            await self._stop.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: Any) -> None:
            self.sent.append(message)

        self._life = asyncio.ensure_future(self.app({"type": "lifespan"}, receive, send))
        waiting = asyncio.ensure_future(started.wait())
        await asyncio.wait({self._life, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return self

    def stop(self) -> None:
        self._stop.set()

    async def __aexit__(self, *exc: object) -> None:
        self.stop()
        await self._life


async def get(app: App, path: str) -> Answer:
    return await request(app, path, method="GET", headers=())


async def health(app: App, service: str = "") -> Answer:
    return await request(app, CHECK, [framed(HealthCheckRequest.serialize({"service": service}))])


async def test_healthz_says_that_the_process_lives() -> None:
    async with Running(App()) as running:
        answer = await get(running.app, "/healthz")
        assert (answer.http_status, json.loads(answer.body)) == (200, {"status": "alive"})


async def test_readyz_says_whether_calls_are_welcome() -> None:
    app = App()
    assert (await get(app, "/readyz")).http_status == 503
    async with Running(app):
        assert (await get(app, "/readyz")).http_status == 200
    assert (await get(app, "/readyz")).http_status == 503
    assert (await get(app, "/healthz")).http_status == 200


async def test_the_health_service_answers_for_the_server_and_for_each_service() -> None:
    app = App({DO: Method(Empty, nothing)})
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
    app = App({DO: Method(Empty, nothing)})
    assert (await request(app, DO, [framed(b"")])).status == 0
    assert (await request(app, "/sample.Things/Undo", [framed(b"")])).status == Code.UNIMPLEMENTED


async def test_what_is_not_grpc_goes_to_the_fallback() -> None:
    async def fallback(scope: Any, receive: Any, send: Any) -> None:
        await respond(scope["method"], send, 200, scope["path"].encode())

    answer = await request(App(fallback=fallback), "/v2/projects", headers=[JSON])
    assert answer.body == b"/v2/projects"


async def test_without_a_fallback_it_is_not_found_in_the_form_of_rest() -> None:
    answer = await request(App(), "/v2/projects", headers=[JSON])
    assert answer.http_status == 404
    assert answer.headers[b"content-type"] == b"application/json; charset=UTF-8"
    assert json.loads(answer.body)["error"]["status"] == "NOT_FOUND"


async def test_a_bug_in_the_fallback_is_500_in_the_form_of_rest(caplog: pytest.LogCaptureFixture) -> None:
    async def fallback(scope: Any, receive: Any, send: Any) -> None:
        raise OSError(28, "No space left on device")

    answer = await request(App(fallback=fallback), "/v2/projects", headers=[JSON], method="GET")
    assert (answer.http_status, json.loads(answer.body)["error"]["status"]) == (500, "INTERNAL")
    assert "GET /v2/projects failed" in caplog.text


async def test_a_client_that_leaves_the_fallback_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    async def gone(message: Any) -> None:
        raise ConnectionResetError

    with caplog.at_level(logging.INFO):
        await App()({"type": "http", "method": "GET", "path": "/", "headers": []}, Client([]).receive, gone)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("path", "status"), [("/healthz", 200), ("/readyz", 503), ("/nowhere", 404), ("/broken", 500), ("/late", 503)]
)
async def test_head_is_get_without_the_body(path: str, status: int) -> None:
    async def fallback(scope: Any, receive: Any, send: Any) -> None:
        if path == "/broken":
            raise ValueError(path)
        await not_found(scope, receive, send)

    app = App(fallback=fallback)
    if path == "/late":
        async with Running(app):
            pass
    whole = await get(app, path)
    head = await request(app, path, method="HEAD", headers=())
    assert (head.http_status, head.headers, head.body) == (status, whole.headers, b"")
    assert whole.body


@pytest.mark.parametrize(
    ("message", "error", "told"),
    [
        ("Exception in callback <_pyvoy.asgi.RecvFutureExecutor object at 0x7f>", asyncio.InvalidStateError(), False),
        ("Exception in callback <_pyvoy.asgi.RecvFutureExecutor object at 0x7f>", ValueError(), True),
        ("Exception in callback Engine.tell()", asyncio.InvalidStateError(), True),
        ("Unclosed file", None, True),
    ],
)
async def test_only_a_receive_that_was_given_up_may_fail_silently(
    message: str, error: Exception | None, told: bool, caplog: pytest.LogCaptureFixture
) -> None:
    tell_of_a_callback(asyncio.get_running_loop(), {"message": message} | ({"exception": error} if error else {}))
    assert (message in caplog.text) is told


# A life


async def test_start_drain_and_stop_come_in_this_order() -> None:
    steps: list[str] = []

    def step(name: str) -> Any:
        async def run() -> None:
            steps.append(name)

        return run

    async with Running(App(start=step("start"), drain=step("drain"), stop=step("stop"))) as running:
        assert steps == ["start"]
        assert running.sent == [{"type": "lifespan.startup.complete"}]
    assert steps == ["start", "drain", "stop"]
    assert running.sent[1:] == [{"type": "lifespan.shutdown.complete"}]


async def test_start_may_bring_the_methods_and_the_fallback() -> None:
    async def start() -> None:
        app.serve({DO: Method(Empty, nothing)})

    app = App(start=start)
    async with Running(app):
        assert (await request(app, DO, [framed(b"")])).status == 0


async def test_a_start_that_fails_is_told_to_the_server() -> None:
    async def start() -> None:
        raise StartupError("the store is locked: stop the other server")

    async with Running(App(start=start)) as running:
        assert running.sent == [
            {"type": "lifespan.startup.failed", "message": "the store is locked: stop the other server"}
        ]


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

    app = App({DO: Method(Empty, nothing)}, drain=drain)
    async with Running(app) as running:
        running.stop()
        await draining.wait()
        assert (await request(app, DO, [framed(b"")])).status == 0
        assert (await get(app, "/readyz")).http_status == 503
        assert HealthCheckResponse.deserialize((await health(app)).payload).status == Status.NOT_SERVING
        drained.set()


async def test_when_it_has_drained_new_calls_are_unavailable() -> None:
    app = App({DO: Method(Empty, nothing)})
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

        app = App({DO: Method(Empty, handler)}, stop=stop)
        async with Running(app):
            call = asyncio.ensure_future(request(app, DO, [framed(b"")], headers=[GRPC]))
            await begun.wait()
        assert stops_after <= stopped_at[0] <= stops_after + 2 * LINGER
        await call

    in_virtual_time(story())
