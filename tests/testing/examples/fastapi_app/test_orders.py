"""FastAPI with typed headers and a retry."""

import os

import pytest
from fastapi import FastAPI, Request

from tidegate import http_task
from tidegate.handlers import RetryLater, TaskRequest, retry_after

BROKEN = os.environ.get("BROKEN_HANDLER") == "1"

app = FastAPI()
app.add_exception_handler(RetryLater, RetryLater.starlette)
shipped: dict[int, int] = {}


@app.post("/ship")
async def ship(request: Request) -> dict[str, str]:
    task = TaskRequest.from_headers(request.headers)
    order = (await request.json())["order"]
    if BROKEN:
        raise ValueError("broken")
    if task.retry_count < 1:
        retry_after(30, "not yet")
    shipped[order] = task.retry_count
    return {"shipped": task.task}


@pytest.mark.parametrize("number", range(20))
def test_an_order_is_shipped_at_the_second_try(tidegate, number: int) -> None:
    shipped.clear()
    tidegate.app = app
    queue = tidegate.queue(max_attempts=3, min_backoff=1)
    with tidegate.client() as client:
        client.create_task(parent=queue.name, task=http_task("https://shop.test/ship", json={"order": number}))
    tidegate.run_until_idle()
    assert shipped == {number: 1}
    assert [request.status for request in tidegate.requests] == [503, 200]
