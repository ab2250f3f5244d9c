import asyncio
import json

import handlers
from tidegate import http_task


class Shop:
    """An ASGI application and what creates its tasks."""

    def __init__(self, client, queue):
        self.client, self.queue = client, queue
        self.lock = asyncio.Lock()
        self.shipped, self.failed, self.loops, self.late = [], [], [], set()

    async def create(self, path, body, **options):
        return await self.client.create_task(
            parent=self.queue, task=http_task(f"http://shop.test{path}", json=body, **options)
        )

    async def __call__(self, scope, receive, send):
        message = await receive()
        handler = getattr(handlers, scope["path"][1:])
        status = await handler(self, json.loads(message["body"]))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})
