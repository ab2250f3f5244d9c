"""One side of the comparison, in a process of its own: makes calls, and tells what went out and what came of them.

    python -m tests.client.program tidegate.tasks_v2 grpc < calls > outcomes

Calls and outcomes are pickled lists.
"""

from __future__ import annotations

import asyncio
import importlib
import pickle
import sys
import warnings
from typing import Any

import grpc
from google.api_core import retry, retry_async
from google.api_core.exceptions import GoogleAPICallError, ServiceUnavailable
from google.api_core.operation import Operation
from google.api_core.operation_async import AsyncOperation
from google.auth.credentials import AnonymousCredentials
from google.cloud.location import locations_pb2
from google.iam.v1 import iam_policy_pb2
from google.longrunning import operations_pb2
from tests.client.calls import Call
from tests.client.recorder import GrpcRecorder, RestRecorder, Script

RAW = (iam_policy_pb2, locations_pb2, operations_pb2)


class Side:
    def __init__(self, package: str, transport: str) -> None:
        self.package = importlib.import_module(package)
        self.transports = importlib.import_module(f"{package}.services.cloud_tasks.transports")
        self.asynchronous = transport.endswith("asyncio")
        self.script = Script()
        self.recorder: Any = (GrpcRecorder if transport.startswith("grpc") else RestRecorder)(self.script)
        self.transport_name = transport

    def client(self) -> Any:
        kind = self.package.CloudTasksAsyncClient if self.asynchronous else self.package.CloudTasksClient
        address = self.recorder.address
        match self.transport_name:
            case "grpc":
                return kind(transport=self.transports.CloudTasksGrpcTransport(channel=grpc.insecure_channel(address)))
            case "grpc_asyncio":
                channel = grpc.aio.insecure_channel(address)
                return kind(transport=self.transports.CloudTasksGrpcAsyncIOTransport(channel=channel))
        options = {"api_endpoint": address}
        return kind(transport=self.transport_name, credentials=AnonymousCredentials(), client_options=options)

    def arguments(self, call: Call) -> dict[str, Any]:
        options = dict(call.options)
        again = retry_async.AsyncRetry if self.asynchronous else retry.Retry
        match options.pop("retry", "default"):
            case "none":
                options["retry"] = None
            case "own":
                unavailable = retry.if_exception_type(ServiceUnavailable)
                options["retry"] = again(predicate=unavailable, initial=0.001, timeout=5)
        match call.style:
            case "fields":
                return {**call.request, **options}
            case "parts":
                return {**{name: self.part(name, value) for name, value in call.request.items()}, **options}
            case "dict":
                return {"request": call.request, **options}
            case "both":
                return {"request": call.request, next(iter(call.request), "parent"): "x", **options}
        return {"request": self.request(call), **options}

    def part(self, name: str, value: Any) -> Any:
        """The message of a field's name, such as a Task, where there is one."""
        kind = getattr(self.package.types, "".join(word.capitalize() for word in name.split("_")), None)
        return kind(value) if kind is not None and isinstance(value, dict) else value

    def request(self, call: Call) -> Any:
        name = "".join(part.capitalize() for part in call.method.split("_")) + "Request"
        for module in RAW:
            if hasattr(module, name):
                return getattr(module, name)(**call.request)
        return getattr(self.package.types, name)(call.request)

    def run(self, calls: list[Call]) -> list[dict[str, Any]]:
        if self.asynchronous:
            return asyncio.run(self.run_async(calls))
        client = self.client()
        outcomes = [self.outcome(client, call) for call in calls]
        client.transport.close()
        return outcomes

    async def run_async(self, calls: list[Call]) -> list[dict[str, Any]]:
        client = self.client()
        outcomes = [await self.outcome_async(client, call) for call in calls]
        await client.transport.close()
        return outcomes

    def outcome(self, client: Any, call: Call) -> dict[str, Any]:
        self.script.begin(call.answers)
        try:
            came = shown(getattr(client, call.method)(**self.arguments(call)))
        except Exception as error:
            came = complaint(error)
        return {"sent": self.script.seen, "came": came}

    async def outcome_async(self, client: Any, call: Call) -> dict[str, Any]:
        self.script.begin(call.answers)
        try:
            came = await shown_async(await getattr(client, call.method)(**self.arguments(call)))
        except Exception as error:
            came = complaint(error)
        return {"sent": self.script.seen, "came": came}


def shown(answer: Any) -> Any:
    """An answer in a form that does not depend on whose classes it is made of."""
    if answer is None:
        return None
    if isinstance(answer, Operation):
        try:
            result = shown(answer.result(timeout=5))
        except Exception as error:
            result = complaint(error)
        return {"operation": shown(answer.operation), "metadata": shown(answer.metadata), "result": result}
    if hasattr(answer, "pages"):
        first, token = repr(answer), answer.next_page_token
        items = [shown(item) for item in answer]
        return {"pager": first, "token": token, "items": items, "last": repr(answer)}
    return message(answer)


async def shown_async(answer: Any) -> Any:
    if isinstance(answer, AsyncOperation):
        try:
            result = shown(await answer.result(timeout=5))
        except Exception as error:
            result = complaint(error)
        return {"operation": shown(answer.operation), "metadata": shown(answer.metadata), "result": result}
    if hasattr(answer, "pages"):
        first, token = repr(answer).replace("AsyncPager", "Pager"), answer.next_page_token
        items = [shown(item) async for item in answer]
        return {"pager": first, "token": token, "items": items, "last": repr(answer).replace("AsyncPager", "Pager")}
    return shown(answer)


def message(answer: Any) -> Any:
    kind = type(answer)
    if isinstance(answer, operations_pb2.Operation):
        types = [packed.type_url for packed in (answer.metadata, answer.response)]
        return {"name": answer.name, "done": answer.done, "error": str(answer.error), "types": types}
    raw = kind.pb(answer) if hasattr(kind, "pb") else answer
    return {"kind": kind.__name__, "bytes": raw.SerializeToString(deterministic=True), "repr": repr(answer)}


def complaint(error: Exception) -> Any:
    text = str(error)
    said: dict[str, Any] = {"classes": [kind.__name__ for kind in type(error).__mro__], "text": text}
    if isinstance(error, GoogleAPICallError):
        said |= {
            "message": error.message,
            "code": error.code,
            "errors": len(error.errors),
            "details": [str(detail) for detail in error.details],
            "reason": error.reason,
            "domain": error.domain,
            "metadata": error.metadata and dict(error.metadata),
            "has_response": error.response is not None,
        }
        said["grpc"] = error.grpc_status_code and error.grpc_status_code.name
    return said


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    side = Side(*sys.argv[1:])
    made = pickle.load(sys.stdin.buffer)
    outcomes = side.run(made)
    pickle.dump(outcomes, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    side.recorder.stop()
