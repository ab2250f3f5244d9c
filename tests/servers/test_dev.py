"""The helpers for tests: who has them, starting over, waiting until a queue is empty."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.cli.serving import refused, served
from tests.servers.api import LATER, LOCATION, NOON, QUEUE, TASK, call, rest_of, said, still_engine
from tests.servers.driving import Client, VirtualLoop

from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, State
from tidegate.engine.engine import Engine
from tidegate.engine.ports.events import QueueChanged
from tidegate.observers.event_ring import EventRing
from tidegate.observers.idle import LATE, IdleWaits
from tidegate.servers.asgi import App
from tidegate.servers.dev import DevHelpers
from tidegate.servers.mounts import Mount

WAIT = f"/emulator/{QUEUE}:waitIdle"
WAITING = {"name": TASK, "scheduleTime": LATER, "httpRequest": {"url": "https://example.com/x"}}


class LoopClock:
    """Machine time as the loop has it."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def call_later(self, seconds: float, wake: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, wake)


class Helped:
    """An engine with the helpers before its REST server."""

    def __init__(self) -> None:
        self.engine: Engine = still_engine()
        clock: Any = LoopClock()
        self.ring = EventRing(lambda: NOON, clock, "life")
        self.serving = True
        helpers = DevHelpers(IdleWaits(self.engine.numbers, self.ring, clock), self._reset, lambda: self.serving)
        self.app = App(mounts=[*helpers.mounts(), Mount("/", rest_of(self.engine), below=True)])

    async def _reset(self) -> None:
        await self.engine.reset()
        await self.engine.queues.create(Queue(name=QueueName(QUEUE)))

    async def call(self, verb: str, target: str, body: Any = b"", **more: Any) -> Any:
        answer = await call(self.app, verb, target, body, **more)
        return answer.http_status if answer.http_status == 204 else said(answer)

    async def with_task(self) -> Helped:
        await self.engine.queues.create(Queue(name=QueueName(QUEUE)))
        assert (await self.call("POST", f"/v2/{QUEUE}/tasks", {"task": WAITING}))[0] == 200
        return self


def in_virtual_time(test: Callable[[], Any]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(test())


# Starting over


async def test_a_reset_leaves_the_queues_of_the_start_and_nothing_else() -> None:
    helped = await Helped().with_task()
    await helped.call("POST", f"/v2/{LOCATION}/queues", {"name": f"{LOCATION}/queues/other"})
    await helped.call("POST", f"/v2/{LOCATION}/queues", {"name": f"{LOCATION}/queues/gone"})
    await helped.call("DELETE", f"/v2/{LOCATION}/queues/gone")
    await helped.call("POST", f"/v2/{QUEUE}:pause")
    assert await helped.call("POST", "/emulator:reset", b"ignored") == 204
    _, listed = await helped.call("GET", f"/v2/{LOCATION}/queues")
    assert [(queue["name"], queue["state"]) for queue in listed["queues"]] == [(QUEUE, "RUNNING")]
    assert (await helped.call("GET", f"/v2/{QUEUE}/tasks"))[1] == {}
    assert (await helped.call("POST", f"/v2/{QUEUE}/tasks", {"task": WAITING}))[0] == 200  # its name is free again
    assert (await helped.call("POST", f"/v2/{LOCATION}/queues", {"name": f"{LOCATION}/queues/gone"}))[0] == 200


@pytest.mark.parametrize(("verb", "path"), [("GET", "/emulator:reset"), ("POST", WAIT), ("POST", "/emulator:other")])
async def test_other_verbs_and_paths_are_not_found(verb: str, path: str) -> None:
    assert (await Helped().call(verb, path))[0] == 404


# Waiting


@pytest.mark.parametrize("queue", [QUEUE, "nonsense", "projects/p/locations/l/queues/q/tasks/t", ""])
async def test_an_unknown_queue_is_not_found(queue: str) -> None:
    assert (await Helped().call("GET", f"/emulator/{queue}:waitIdle"))[0] == 404


async def test_an_empty_queue_is_idle_whether_it_is_paused_or_not() -> None:
    helped = await Helped().with_task()
    await helped.call("DELETE", f"/v2/{TASK}")
    assert await helped.call("GET", WAIT) == 204
    await helped.call("POST", f"/v2/{QUEUE}:pause")
    assert await helped.call("GET", WAIT) == 204


async def test_a_paused_queue_with_tasks_will_never_be_idle() -> None:
    helped = await Helped().with_task()
    await helped.call("POST", f"/v2/{QUEUE}:pause")
    status, answer = await helped.call("GET", WAIT)
    assert (status, answer["error"]["status"]) == (409, "ABORTED")
    assert State.PAUSED.name in answer["error"]["message"]


@pytest.mark.parametrize(
    ("happens", "status"),
    [
        (("DELETE", f"/v2/{TASK}"), 204),
        (("POST", f"/v2/{QUEUE}:purge"), 204),
        (("POST", "/emulator:reset"), 204),
        (("DELETE", f"/v2/{QUEUE}"), 404),
        (("POST", f"/v2/{QUEUE}:pause"), 409),
    ],
)
def test_whoever_waits_is_told_what_happens(happens: tuple[str, str], status: int) -> None:
    async def test() -> None:
        helped = await Helped().with_task()
        waiting = asyncio.ensure_future(helped.call("GET", WAIT))
        await asyncio.sleep(60)
        assert not waiting.done()
        await helped.call(*happens)
        answer = await waiting
        assert (answer if isinstance(answer, int) else answer[0]) == status

    in_virtual_time(test)


def test_an_event_is_answered_long_before_the_next_look() -> None:
    async def test() -> None:
        helped = await Helped().with_task()
        waiting = asyncio.ensure_future(helped.call("GET", WAIT))
        loop = asyncio.get_running_loop()
        await asyncio.sleep(60)
        await helped.call("DELETE", f"/v2/{TASK}")
        helped.ring.emit(QueueChanged(QueueName(QUEUE), "updated"))
        before = loop.time()
        assert await waiting == 204
        assert loop.time() - before < LATE / 10

    in_virtual_time(test)


def test_a_quiet_queue_is_looked_at_about_once_a_second() -> None:
    async def test() -> None:
        helped = await Helped().with_task()
        client = Client([b""])
        waiting = asyncio.ensure_future(call(helped.app, "GET", WAIT, client=client))
        await asyncio.sleep(60)
        assert client.asked < 80  # each look asks whether the client is still there
        waiting.cancel()

    in_virtual_time(test)


def test_nobody_waits_for_a_client_that_left() -> None:
    async def test() -> None:
        helped = await Helped().with_task()
        client = Client([b""])
        waiting = asyncio.ensure_future(call(helped.app, "GET", WAIT, client=client))
        await asyncio.sleep(60)
        client._leaves = True
        with pytest.raises(IndexError):  # there is no answer
            await waiting
        assert client.sent == []

    in_virtual_time(test)


def test_nobody_waits_for_a_server_that_leaves() -> None:
    async def test() -> None:
        helped = await Helped().with_task()
        waiting = asyncio.ensure_future(helped.call("GET", WAIT))
        await asyncio.sleep(60)
        helped.serving = False
        status, answer = await waiting
        assert (status, answer["error"]["status"]) == (503, "UNAVAILABLE")

    in_virtual_time(test)


# Over the wire


class Gate(BaseHTTPRequestHandler):
    """A handler that lets its calls in one by one."""

    arrived = threading.Semaphore(0)
    let_in = threading.Semaphore(0)

    def do_POST(self) -> None:
        self.arrived.release()
        self.let_in.acquire(timeout=60)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def gate() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_suite_waits_for_its_tasks_and_starts_over(tmp_path: Path, gate: str) -> None:
    flags = ("--store", "sqlite://:memory:", "--queue", QUEUE)
    with served(*flags, directory=tmp_path) as address, httpx.Client(base_url=f"http://{address}", timeout=60) as http:
        assert http.get(WAIT).status_code == 204
        task = {"task": {"httpRequest": {"url": gate}}}
        http.post(f"/v2/{QUEUE}/tasks", json=task).raise_for_status()
        assert Gate.arrived.acquire(timeout=60)
        Gate.let_in.release()
        assert http.get(WAIT).status_code == 204
        assert http.get(f"/v2/{QUEUE}/tasks").json() == {}

        keys = http.get("/oauth2/v3/certs").json()
        http.post(f"/v2/{QUEUE}/tasks", json=task).raise_for_status()
        assert Gate.arrived.acquire(timeout=60)  # and now it is under way
        assert http.post("/emulator:reset").status_code == 204
        assert http.get(WAIT).status_code == 204
        http.post(f"/v2/{QUEUE}/tasks", json={"task": {**task["task"], "scheduleTime": LATER}}).raise_for_status()
        Gate.let_in.release(2)
        assert http.get(WAIT).status_code == 204
        assert http.get("/oauth2/v3/certs").json() == keys


def test_a_store_on_disk_has_the_helpers_only_when_told(tmp_path: Path) -> None:
    with served(directory=tmp_path) as address:
        assert httpx.post(f"http://{address}/emulator:reset").status_code == 404
    with served("--dev", directory=tmp_path) as address:
        assert httpx.post(f"http://{address}/emulator:reset").status_code == 204


def test_a_server_that_others_can_reach_has_the_helpers_only_when_told(tmp_path: Path) -> None:
    memory = ("--host", "0.0.0.0", "--store", "sqlite://:memory:")
    for flags, status in [(memory, 404), ((*memory, "--dev"), 204)]:
        with served(*flags, directory=tmp_path) as address:
            port = address.rpartition(":")[2]
            assert httpx.post(f"http://127.0.0.1:{port}/emulator:reset").status_code == status


def test_a_reset_applies_the_queue_yaml_again(tmp_path: Path) -> None:
    (tmp_path / "queue.yaml").write_text("application: p\nqueue:\n- name: mail\n  rate: 5/s\n")
    flags = ("--store", "sqlite://:memory:", "--queues", "queue.yaml")
    with served(*flags, directory=tmp_path) as address, httpx.Client(base_url=f"http://{address}", timeout=60) as http:
        mail = f"/v2/{LOCATION}/queues/mail"
        http.delete(mail).raise_for_status()
        assert http.post("/emulator:reset").status_code == 204
        assert http.get(mail).json()["rateLimits"]["maxDispatchesPerSecond"] == 5
        (tmp_path / "queue.yaml").unlink()
        assert http.post("/emulator:reset").json()["error"]["status"] == "FAILED_PRECONDITION"


# Queues at start


def test_queues_of_the_settings_have_what_the_api_would_give_them(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text(
        f'max_dispatches_per_second = 100\n[[queue]]\nname = "{QUEUE}"\n[[queue]]\nname = "{QUEUE}2"\ntype = "pull"\n'
    )
    for _ in range(2):
        with served(directory=tmp_path) as address:
            limits = httpx.get(f"http://{address}/v2/{QUEUE}").json()["rateLimits"]
            assert limits == {"maxDispatchesPerSecond": 100, "maxBurstSize": 20, "maxConcurrentDispatches": 1000}
            assert httpx.get(f"http://{address}/v2beta3/{QUEUE}2").json()["type"] == "PULL"


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ('type = "pull"', "Queue.type cannot be changed."),
        ('max_backoff = "5s"', "RetryConfig.minBackoff must be less than or equal to RetryConfig.maxBackoff."),
    ],
)
def test_a_queue_that_cannot_be_had_is_one_line(tmp_path: Path, wanted: str, why: str) -> None:
    settings = tmp_path / "tidegate.toml"
    settings.write_text(f'[[queue]]\nname = "{QUEUE}"\nmin_backoff = "10s"\n')
    with served(directory=tmp_path):
        pass
    settings.write_text(f'[[queue]]\nname = "{QUEUE}"\n{wanted}\n')
    assert refused(directory=tmp_path) == f"cannot have the queue {QUEUE}: {why}\n"
