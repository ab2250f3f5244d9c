"""A shop without a framework: it creates tasks with Google's client, functions answer them."""

import json
from datetime import timedelta

from google.cloud import tasks_v2

SITE = "https://shop.example.com"


class Shop:
    """What the application knows, and the tasks that it creates."""

    def __init__(self, queue):
        self.queue = queue
        self.client = tasks_v2.CloudTasksClient()
        self.shipped, self.mails, self.refused = [], [], {}

    def create(self, path, payload, *, at=None, name=None, method="POST", headers=None):
        request = {"url": f"{SITE}{path}", "http_method": method, "headers": headers or {}}
        if payload is not None:
            request["body"] = json.dumps(payload).encode()
        task = {"http_request": request}
        if at is not None:
            task["schedule_time"] = at
        if name is not None:
            task["name"] = f"{self.queue}/tasks/{name}"
        return self.client.create_task(parent=self.queue, task=task)

    def order(self, number, **options):
        return self.create("/ship", {"order": number}, **options)

    def remind(self, who, now, days):
        return self.create("/remind", {"to": who, "days": days}, at=now + timedelta(days=1))
