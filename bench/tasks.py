"""Tasks for a server to have, made through its API: by hundreds, or one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeVar

from bench.api import Api
from bench.floor import URL
from bench.http2 import Connection
from tidegate.schema import v2
from tidegate.schema.rpc import Rpc

T = TypeVar("T")

BATCH = 100
AT_ONCE = 32  # calls on the one connection
CREATE = v2.CloudTasks.create_task
BATCH_CREATE = v2.CloudTasks.batch_create_tasks


def batch_message(queue: str, count: int, url: str = URL, body: int = 200) -> bytes:
    """A BatchCreateTasks request with so many tasks, the same ones."""
    request: Any = BATCH_CREATE.request_pb(parent=queue)
    for _ in range(count):
        request.requests.add(parent=queue, task={"http_request": {"url": url, "body": b"x" * body}})
    message: bytes = request.SerializeToString()
    return message


def fill(api: Api, queues: Sequence[str], each: int, url: str = URL) -> None:
    """Create ``each`` tasks in every queue."""
    make(api, BATCH_CREATE, _batches(queues, each, url))


def _batches(queues: Sequence[str], each: int, url: str) -> Iterator[bytes]:
    for queue in queues:
        whole, rest = divmod(each, BATCH)
        if whole:
            message = batch_message(queue, BATCH, url)
            yield from (message for _ in range(whole))
        if rest:
            yield batch_message(queue, rest, url)


def make(api: Api, row: Rpc[Any, Any], messages: Iterable[bytes]) -> list[bytes]:
    """Call an RPC with each of these requests, some at once; the answers in their order."""

    async def calls(connection: Connection) -> list[bytes]:
        answers: list[bytes] = []
        left = iter(messages)
        while some := list(islice(left, 16 * AT_ONCE)):  # few in memory
            answers += await connection.call(row.grpc_path, some)
        return answers

    return connected(api, calls)


def connected(api: Api, work: Callable[[Connection], Awaitable[T]]) -> T:
    """What ``work`` makes of a connection of its own."""

    async def opened() -> T:
        connection = await Connection.open(api.host, api.port, AT_ONCE)
        try:
            return await work(connection)
        finally:
            connection.close()

    return asyncio.run(opened())


def create_each(api: Api, messages: Iterable[bytes]) -> list[str]:
    """Make CreateTask calls; the names of the tasks."""
    return [CREATE.response_pb.FromString(answer).name for answer in make(api, CREATE, messages)]
