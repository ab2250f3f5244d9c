"""Short forms of the calls that nearly every test makes."""

from __future__ import annotations

from typing import Any

from tests.endtoend.client import GoogleClient
from tests.endtoend.dispatch_rules import Retries

LOCATION = "projects/p/locations/us-central1"


def queue_name(queue: str) -> str:
    return f"{LOCATION}/queues/{queue}"


def create_queue(client: GoogleClient, queue: str, retries: Retries | None = None, **settings: Any) -> None:
    config = {"retry_config": retries.config()} if retries else {}
    client.call("create_queue", parent=LOCATION, queue={"name": queue_name(queue), **config, **settings})


def create_task(client: GoogleClient, queue: str, url: str, **fields: Any) -> str:
    """The new task's ID."""
    task = {"http_request": {"url": url}, **fields}
    answer = client.call("create_task", parent=queue_name(queue), task=task)
    return str(answer["name"].rsplit("/", 1)[1])


def get_task(client: GoogleClient, queue: str, task: str) -> Any:
    return client.call("get_task", name=f"{queue_name(queue)}/tasks/{task}")


def list_tasks(client: GoogleClient, queue: str) -> dict[str, Any]:
    """All tasks of the queue by their IDs."""
    answer = client.call("list_tasks", parent=queue_name(queue), page_size=1000)
    return {task["name"].rsplit("/", 1)[1]: task for task in answer}


def is_gone(client: GoogleClient, queue: str, task: str) -> bool:
    """Whether the API says that there is no such task."""
    reply = client.reply("get_task", name=f"{queue_name(queue)}/tasks/{task}")
    assert reply.code in {"OK", "NOT_FOUND"}
    return reply.code == "NOT_FOUND"
