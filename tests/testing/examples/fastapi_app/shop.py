from datetime import timedelta

from fastapi import FastAPI

import handlers
from tidegate import http_task
from tidegate.handlers import RetryLater

SITE = "https://api.example.com"

app = FastAPI()
app.include_router(handlers.router)
app.add_exception_handler(RetryLater, RetryLater.starlette)


class Tasks:
    """Creates the tasks of the shop."""

    def __init__(self, client, queue, now):
        self.client, self.queue, self.now = client, queue, now

    async def create(self, path, payload=None, *, method="POST", task_id="", delay=None):
        given = {} if payload is None else {"json": payload}
        at = None if delay is None else self.now() + timedelta(seconds=delay)
        task = http_task(f"{SITE}{path}", method=method, at=at, **given)
        if task_id:
            task["name"] = f"{self.queue}/tasks/{task_id}"
        return await self.client.create_task(parent=self.queue, task=task)
