"""An ASGI application in an asynchronous test: it runs in the test's loop."""

import asyncio
import json
import os

import pytest

from tidegate import http_task

BROKEN = os.environ.get("BROKEN_HANDLER") == "1"


class Shop:
    def __init__(self) -> None:
        self.shipped: asyncio.Queue[int] = asyncio.Queue()

    async def __call__(self, scope, receive, send) -> None:
        message = await receive()
        await self.shipped.put(json.loads(message["body"])["order"])
        await send({"type": "http.response.start", "status": 500 if BROKEN else 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("number", range(20))
async def test_an_order_is_shipped(tidegate, number: int) -> None:
    shop = Shop()
    tidegate.app = shop
    queue = tidegate.queue()
    async with tidegate.async_client() as client:
        await client.create_task(
            parent=queue.name, task=http_task("http://shop.test/ship", json={"order": number}, delay=60)
        )
    assert await tidegate.run() == 0
    assert await tidegate.advance("2m") == 1
    assert shop.shipped.get_nowait() == number
    tidegate.assert_no_tasks()
