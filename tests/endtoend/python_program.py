"""Every method of Google's Python client, in all API versions, called once over one transport.

    python python_program.py HOST:PORT grpc|grpc_asyncio|rest LABEL_FOR_THE_QUEUES

Runs with old and new releases of the library, so it imports nothing else. Says as JSON which methods it called, and
ends with an error when a method it did not call is there.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
from datetime import datetime, timedelta, timezone
from typing import Any

import grpc
from google.auth.credentials import AnonymousCredentials

LOCATION = "projects/p/locations/us-central1"
URL = "http://127.0.0.1:9/never"


def client_of(version: str, transport: str, address: str) -> Any:
    services = importlib.import_module(f"google.cloud.tasks_{version}.services.cloud_tasks")
    transports = importlib.import_module(f"google.cloud.tasks_{version}.services.cloud_tasks.transports")
    if transport == "grpc":
        channel = grpc.insecure_channel(address)
        return services.CloudTasksClient(transport=transports.CloudTasksGrpcTransport(channel=channel))
    if transport == "grpc_asyncio":
        aio = grpc.aio.insecure_channel(address)
        return services.CloudTasksAsyncClient(transport=transports.CloudTasksGrpcAsyncIOTransport(channel=aio))
    return services.CloudTasksClient(
        transport="rest", credentials=AnonymousCredentials(), client_options={"api_endpoint": f"http://{address}"}
    )


def methods(client: Any) -> set[str]:
    """The names of all RPCs that the client has."""
    found = set()
    for name, member in inspect.getmembers(type(client), inspect.isfunction):
        parameters = inspect.signature(member).parameters
        if not name.startswith("_") and {"request", "retry", "timeout", "metadata"} <= set(parameters):
            found.add(name)
    return found


class Walk:
    """One client, and the methods that were called."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.called: set[str] = set()

    async def call(self, name: str, /, **arguments: Any) -> Any:
        self.called.add(name)
        answer = getattr(self.client, name)(**arguments)
        return await answer if inspect.isawaitable(answer) else answer

    async def listed(self, name: str, /, **arguments: Any) -> list[str]:
        pager = await self.call(name, **arguments)
        if hasattr(pager, "__aiter__"):
            return [each.name async for each in pager]
        return [each.name for each in pager]

    async def finished(self, name: str, /, **arguments: Any) -> Any:
        operation = await self.call(name, **arguments)
        result = operation.result()
        return operation.operation.name, await result if inspect.isawaitable(result) else result


async def queues(walk: Walk, queue: str) -> None:
    made = await walk.call("create_queue", parent=LOCATION, queue={"name": queue})
    assert made.state.name == "RUNNING", made
    assert (await walk.call("get_queue", name=queue)).name == queue
    assert queue in await walk.listed("list_queues", parent=LOCATION)
    changed = {"name": queue, "retry_config": {"max_attempts": 7}}
    mask = {"paths": ["retry_config.max_attempts"]}
    assert (await walk.call("update_queue", queue=changed, update_mask=mask)).retry_config.max_attempts == 7
    assert (await walk.call("resume_queue", name=queue)).state.name == "RUNNING"
    assert (await walk.call("pause_queue", name=queue)).state.name == "PAUSED"
    binding = {"role": "roles/cloudtasks.enqueuer", "members": ["user:a@example.com"]}
    await walk.call("set_iam_policy", request={"resource": queue, "policy": {"bindings": [binding]}})
    policy = await walk.call("get_iam_policy", resource=queue)
    assert policy.bindings[0].role == binding["role"], policy
    permissions = ["cloudtasks.tasks.create"]
    tested = await walk.call("test_iam_permissions", resource=queue, permissions=permissions)
    assert list(tested.permissions) == permissions


async def tasks(walk: Walk, queue: str) -> None:
    due = datetime.now(timezone.utc) + timedelta(hours=1)  # noqa: UP017 - for the older library's Python too
    task = {"name": f"{queue}/tasks/one", "http_request": {"url": URL, "body": b"tide"}, "schedule_time": due}
    made = await walk.call("create_task", parent=queue, task=task)
    assert made.name == task["name"], made
    got = await walk.call("get_task", request={"name": made.name, "response_view": 2})
    assert got.http_request.body == b"tide", got
    assert await walk.listed("list_tasks", parent=queue) == [made.name]
    assert (await walk.call("run_task", name=made.name)).name == made.name
    await walk.call("delete_task", name=made.name)
    assert await walk.listed("list_tasks", parent=queue) == []


async def batches(walk: Walk, queue: str) -> None:
    entry = {"parent": queue, "task": {"http_request": {"url": URL}}}
    name, made = await walk.finished("batch_create_tasks", parent=queue, requests=[entry, entry])
    assert len(made.tasks) == 2, made
    assert (await walk.call("get_operation", request={"name": name})).done
    await walk.finished("batch_delete_tasks", parent=queue, names=[task.name for task in made.tasks])
    config = f"{LOCATION}/cmekConfig"
    assert (await walk.call("get_cmek_config", name=config)).name == config
    assert (await walk.call("update_cmek_config", cmek_config={"name": config})).kms_key == ""


async def leases(walk: Walk, queue: str, *, rest: bool) -> None:
    await walk.call("create_queue", parent=LOCATION, queue={"name": queue, "pull_target": {}})
    for payload in (b"one", b"two"):
        await walk.call("create_task", parent=queue, task={"pull_message": {"payload": payload}})
    minute = timedelta(minutes=1)
    held = await walk.call("lease_tasks", request={"parent": queue, "max_tasks": 2, "lease_duration": minute})
    first, second = held.tasks
    renewed = await walk.call("renew_lease", name=first.name, schedule_time=first.schedule_time, lease_duration=minute)
    await walk.call("acknowledge_task", name=first.name, schedule_time=renewed.schedule_time)
    await walk.call("cancel_lease", name=second.name, schedule_time=second.schedule_time)
    assert await walk.listed("list_tasks", parent=queue) == [second.name]
    file = b"queue:\n- name: uploaded\n  rate: 5/s\n"
    try:
        await walk.call("upload_queue_yaml", request={"app_id": queue.rsplit("/", 1)[1], "http_body": {"data": file}})
    except NotImplementedError:
        assert rest  # this library has no REST form of it
    else:
        assert not rest


async def walk(version: str, transport: str, address: str, label: str) -> list[str]:
    walk = Walk(client_of(version, transport, address))
    there = methods(walk.client)
    queue = f"{LOCATION}/queues/{label}-{version}-{transport.replace('_', '-')}"
    await queues(walk, queue)
    await tasks(walk, queue)
    if "batch_create_tasks" in there:
        await batches(walk, queue)
    if "lease_tasks" in there:
        await leases(walk, f"{queue}-pull", rest=transport == "rest")
    if "list_locations" in there:
        assert (await walk.call("get_location", request={"name": LOCATION})).location_id == "us-central1"
        assert (await walk.call("list_locations", request={"name": "projects/p"})).locations
    await walk.call("purge_queue", name=queue)
    await walk.call("delete_queue", name=queue)
    assert there <= walk.called, f"{version} over {transport}: not called: {sorted(there - walk.called)}"
    return sorted(there)


async def main() -> None:
    address, transport, label = sys.argv[1:]
    versions = ("v2", "v2beta3", "v2beta2")
    print(json.dumps({version: await walk(version, transport, address, label) for version in versions}))


if __name__ == "__main__":
    asyncio.run(main())
