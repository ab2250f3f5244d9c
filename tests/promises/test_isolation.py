"""One queue in trouble delays no other: measured in virtual time, in which only the server's own doing takes any."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from tests.invariants.history import History, Requested
from tests.promises.messages import queue_name
from tests.promises.server import LOCATION, Handlers, Server
from tests.simulation.virtual_time import run

from tidegate.core.lifecycle import Outcome
from tidegate.core.target import HttpCall

TROUBLED = 1500
"""Tasks of the queue in trouble, more than may be under way at once."""

COMMITS = 0.05
"""Seconds that a create, a claim and what is committed before them may take on the disk of these days."""


class Troubled(Handlers):
    """Those of the queue ``poison`` hang until their deadline, or fail at once; those of others answer."""

    hangs = True

    async def send(self, call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        if dict(call.headers)["X-CloudTasks-QueueName"] != "poison":
            return await super().send(call, authorization)
        await asyncio.sleep(600 if self.hangs else 0.001)
        return Outcome(timed_out=True) if self.hangs else Outcome(http_status=503)


async def delays_beside(*, hangs: bool, body: int) -> list[float]:
    """How long each task of a queue waited for its attempt while another queue was in trouble."""
    history = History()
    server = Server(random.Random(1), history, outside=asyncio.all_tasks())
    server.handlers = Troubled(random.Random(2), server.clock, history)
    server.handlers.failing, server.handlers.hangs = 0.0, hangs
    await server.start()

    async def call(method: str, **fields: Any) -> Any:
        reply = await server.answer("v2", method, fields, 60.0)
        assert reply.code == "OK", reply
        return reply.answer

    retries = {"max_attempts": -1}
    for queue in ("poison", "good"):
        await call("create_queue", parent=LOCATION, queue={"name": queue_name(queue), "retry_config": retries})
    request = {"url": "http://handler.test/", "body": b"x" * body}
    for _ in range(0, TROUBLED, 100):
        task = {"parent": queue_name("poison"), "task": {"http_request": request}}
        await call("batch_create_tasks", parent=queue_name("poison"), requests=[task] * 100)
    await asyncio.sleep(5)
    asked: dict[str, float] = {}
    for number in range(100):
        name = f"{queue_name('good')}/tasks/t{number}"
        asked[f"good/t{number}"] = server.clock.monotonic()
        await call("create_task", parent=queue_name("good"), task={"name": name, "http_request": request})
        await asyncio.sleep(0.1)
    await server.crash()
    await server.memory.close()
    arrived = {each.task: each.at for each in history.entries if isinstance(each, Requested)}
    return [arrived[task] - at for task, at in asked.items()]


@pytest.mark.parametrize("hangs", [True, False])
@pytest.mark.parametrize("body", [10, 50_000])
def test_a_queue_whose_handlers_hang_or_fail_delays_no_other(hangs: bool, body: int) -> None:
    delays = run(delays_beside(hangs=hangs, body=body))
    assert len(delays) == 100
    assert max(delays) < COMMITS
