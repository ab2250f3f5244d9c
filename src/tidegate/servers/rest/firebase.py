"""What firebase-admin asks of an emulator: tasks under paths without a version, and answers of a form of its own.

With ``CLOUD_TASKS_EMULATOR_HOST`` set, it sends ``url: ""`` for a task whose handler it leaves to the emulator; the
queue's routing says then where that is. It takes the first character off the name of a task before it reads it.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.empty_pb2 import Empty

from tidegate.api.handlers.buffer import url_of
from tidegate.api.rpcs import Answer, Api
from tidegate.api.shared_messages import read_http_target
from tidegate.schema import v2
from tidegate.schema.rpc import Rpc, Service, delete, post


class FirebaseTasks(Service, name="tidegate.FirebaseTasks"):
    """Its two calls. ``BufferTaskResponse`` has the form of the answer that it reads."""

    create_task = Rpc(
        v2.CreateTaskRequest, v2.BufferTaskResponse, post("/{parent=projects/*/locations/*/queues/*}/tasks"), grpc=False
    )
    delete_task = Rpc(
        v2.DeleteTaskRequest, Empty, delete("/{name=projects/*/locations/*/queues/*/tasks/*}"), grpc=False
    )


RESPONSE: Final = v2.BufferTaskResponse.pb()


def firebase_answers(api: Api) -> dict[Rpc[Any, Any], Answer]:
    """Who answers its calls, over ``api``."""
    create, get_queue = api.method(v2.CloudTasks.create_task), api.below(v2.CloudTasks.get_queue)
    enter = api.entrance(v2.CloudTasks.create_task)

    async def create_task(request: Any, call: Any = None) -> Any:
        if request.task.WhichOneof("message_type") == "http_request" and not request.task.http_request.url:
            await enter(request, call)  # before anything is told of the queue
            queue = await get_queue(v2.GetQueueRequest.pb(v2.GetQueueRequest(name=request.parent)))
            request.task.http_request.url = url_from(queue)
        response = RESPONSE(task=await create(request, call))
        response.task.name = f"/{response.task.name}"
        return response

    return {
        FirebaseTasks.create_task: create_task,
        FirebaseTasks.delete_task: api.method(v2.CloudTasks.delete_task),
    }


def url_from(queue: Any) -> str:
    """The URL that the routing of a queue, a raw message, makes on its own; empty when it has no host."""
    override = read_http_target(queue.http_target).uri_override
    return "" if override is None or not override.host else url_of(override)
