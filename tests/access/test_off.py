"""With access control off nothing of it runs: a call takes the same way as if it were not there."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.access.world import ADMIN, Guarded
from tests.servers.api import LOCATION, QUEUE, still_engine
from tests.servers.driving import GRPC, TRAILERS, Client, framed

from tidegate.api.rpcs import Api
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.schema import v2
from tidegate.schema.limits import ENTRY_MAX
from tidegate.schema.transcoding.outgoing import write_request
from tidegate.servers.asgi import App
from tidegate.servers.grpc import GrpcMethod
from tidegate.servers.mounts import Mount
from tidegate.servers.rest import RestServer
from tidegate.servers.rest.answers import cloud_tasks_answers

OF_ACCESS = ("/api/door.py", "/api/audit.py", "/core/access/", "/engine/access.py", "/servers/authentication/")
V2 = v2.CloudTasks
CALLS = (
    (V2.create_task, {"parent": QUEUE, "task": {"http_request": {"url": "http://127.0.0.1:9/"}}}),
    (V2.get_queue, {"name": QUEUE}),
    (V2.list_queues, {"parent": LOCATION}),
)


async def entered(work: Callable[[], Awaitable[Any]]) -> set[str]:
    """The files of access control whose code runs while something is done."""
    files: set[str] = set()

    def watch(frame: Any, event: str, _: Any) -> None:
        if event == "call":
            files.update(part for part in OF_ACCESS if part in frame.f_code.co_filename)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        await work()
    finally:
        sys.setprofile(before)
    return files


async def unguarded() -> App:
    """The servers of Cloud Tasks over an engine with a queue, as they are where access is not checked."""
    engine = still_engine()
    await engine.queues.create(Queue(name=QueueName(QUEUE)))
    api, app = Api(engine), App()
    methods = {
        path: GrpcMethod(each.request, each.answer, each.most, each.insists, ENTRY_MAX)
        for path, each in api.grpc().items()
    }
    rest = RestServer(cloud_tasks_answers(api), app.bytes_in_flight, app.calls)
    app.serve(methods, [Mount("/", rest, below=True)])
    return app


def grpc_call(row: Any, request: Any) -> tuple[dict[str, Any], bytes]:
    scope = {"method": "POST", "path": row.grpc_path, "headers": [GRPC, TRAILERS], "http_version": "2"}
    return {**scope, "query_string": b""}, framed(request.SerializeToString())


def rest_call(row: Any, request: Any) -> tuple[dict[str, Any], bytes]:
    made = write_request(row, request)
    query = "&".join(f"{name}={value}" for name, value in made.query).encode()
    return {"method": made.verb, "path": made.path, "headers": [], "query_string": query}, made.body or b""


@pytest.mark.parametrize("made", [grpc_call, rest_call])
@pytest.mark.parametrize(("row", "fields"), CALLS, ids=lambda value: getattr(value, "name", ""))
async def test_off_a_call_runs_nothing_of_access_control(row: Any, fields: dict[str, Any], made: Any) -> None:
    app = await unguarded()
    scope, body = made(row, row.request_pb(**fields))
    client = Client([body])
    scope = {"type": "http", "scheme": "http", "raw_path": scope["path"].encode(), "client": ("::1", 1), **scope}
    assert await entered(lambda: app(scope, client.receive, client.send)) == set()
    assert client.answer.http_status == 200


async def test_on_it_does_so_this_would_be_noticed() -> None:
    server = await Guarded().start()
    token = server.token(ADMIN)
    request = V2.get_queue.request_pb(name=QUEUE)
    assert "/api/door.py" in await entered(lambda: server.grpc(V2.get_queue, request, token))
