"""The demo's handler answers as planned and writes down what arrives."""

import asyncio

import httpx
import pytest

from tidegate.cli.demo.handler import Handler
from tidegate.cli.demo.plan import QUEUES, DemoTask

FICKLE = DemoTask("webhooks", "fickle", (503, 404))
HOPELESS = DemoTask("webhooks", "hopeless", (500,) * 5)


def call(client: httpx.AsyncClient, task: DemoTask, retries: int):
    headers = {
        "X-CloudTasks-QueueName": task.queue,
        "X-CloudTasks-TaskName": task.id,
        "X-CloudTasks-TaskRetryCount": f"{retries}",
        "X-CloudTasks-TaskETA": "1700000000.25",
    }
    return client.post("/", content=b"body", headers=headers)


async def test_it_answers_as_planned_and_knows_when_all_is_done() -> None:
    async with Handler(QUEUES, [FICKLE, HOPELESS]) as handler, httpx.AsyncClient(base_url=handler.url) as client:
        assert [(await call(client, FICKLE, number)).status_code for number in range(3)] == [503, 404, 200]
        assert (handler.delivered["webhooks"], handler.retries["webhooks"]) == (1, 2)
        assert not handler.all_done.is_set()
        assert [(await call(client, HOPELESS, number)).status_code for number in range(5)] == [500] * 5
        assert handler.all_done.is_set()
        assert (handler.given_up["webhooks"], handler.done) == (1, 2)
        assert [attempt.retries for attempt in handler.attempts] == [0, 1, 2, 0, 1, 2, 3, 4]
        assert {attempt.due for attempt in handler.attempts} == {1700000000.25}
        assert handler.in_last_second("webhooks") <= 8


async def test_a_request_that_is_no_attempt_is_refused_and_noted() -> None:
    async with Handler(QUEUES, [FICKLE]) as handler, httpx.AsyncClient(base_url=handler.url) as client:
        assert (await client.post("/", content=b"body")).status_code == 400
        assert handler.puzzle.startswith("'x-cloudtasks-queuename' is missing or wrong in a request with the headers")
        assert handler.attempts == []


async def test_it_lets_go_of_connections_when_it_ends() -> None:
    async with Handler(QUEUES, [FICKLE]) as handler:
        _, port = handler.url.rsplit(":", 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", int(port))
    assert await reader.read() == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", int(port))
