"""A caller of the API over the wire: Google's own messages, by gRPC or by REST, in any version.

    cloud = Cloud(Grpc(address), "v2", project="p")
    queue = cloud("CreateQueue", parent=cloud.location, queue={"name": cloud.queue})
    refusal = cloud.refused("GetQueue", name="nonsense")

What a test asserts does not depend on the way a call went.
"""

from __future__ import annotations

import importlib
import json
from typing import Any, NamedTuple, Protocol

import grpc
import httpx
from google.api_core import path_template
from google.protobuf import json_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from tidegate.core.errors import Code
from tidegate.schema import v2, v2beta2, v2beta3
from tidegate.schema.rpc import Rpc, raw
from tidegate.schema.transcoding.outgoing import write_request

assert error_details_pb2  # so that the details of errors can be read

ROWS: dict[str, dict[str, Rpc[Any, Any]]] = {
    name: {row.rpc_name: row for service in version.SERVICES for row in service.rpcs}
    for name, version in {"v2": v2, "v2beta3": v2beta3, "v2beta2": v2beta2}.items()
}
"""Every RPC of every version by its name; what it takes and answers is said there."""

PATIENCE = 20.0  # seconds for one call


class Refusal(NamedTuple):
    """An answer other than OK, the same over both ways."""

    code: str
    message: str
    details: list[dict[str, Any]]


class RefusedError(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.code}: {refusal.message}")
        self.refusal = refusal


class Wire(Protocol):
    def call(self, version: str, row: Rpc[Any, Any], request: Message, answer: Message) -> Message:
        """Fill ``answer`` with what the call is answered; RefusedError when it is refused."""


def google(version: str, name: str) -> Any:
    """Google's own class for a message of a version, None for one that their package does not have."""
    return getattr(importlib.import_module(f"google.cloud.tasks_{version}.types"), name, None)


def message_of(version: str, declared: type[Any], **fields: Any) -> Message:
    """A raw message of Google's, for one that is declared in the schema."""
    if hasattr(declared, "DESCRIPTOR"):
        shared: Message = declared(**fields)  # IAM, locations, operations: Google's in any case
        return shared
    kind = google(version, declared.__name__) or declared
    message: Message = kind.pb(kind(**fields))
    return message


class Grpc:
    """Over a plain channel of grpcio."""

    def __init__(self, address: str) -> None:
        self.channel = grpc.insecure_channel(address)

    def call(self, version: str, row: Rpc[Any, Any], request: Message, answer: Message) -> Message:
        method: Any = self.channel.unary_unary(
            row.grpc_path,
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=type(answer).FromString,
        )
        try:
            answered: Message = method(request, timeout=PATIENCE)
        except grpc.RpcError as error:
            raise RefusedError(_refusal_of(error)) from None
        return answered

    def close(self) -> None:
        self.channel.close()


def _refusal_of(error: Any) -> Refusal:
    trailers = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
    details = json_format.MessageToDict(status).get("details", [])
    return Refusal(error.code().name, error.details(), details)


class Rest:
    """Over HTTP/1.1, by the paths and in the JSON of Google's generated clients where they have the RPC."""

    def __init__(self, address: str) -> None:
        self._client = httpx.Client(base_url=f"http://{address}", timeout=PATIENCE)

    def call(self, version: str, row: Rpc[Any, Any], request: Message, answer: Message) -> Message:
        response = self._send(version, row, request)
        if response.status_code != 200:
            raise RefusedError(_refusal_in(response))
        json_format.Parse(response.text, answer)
        return answer

    def _send(self, version: str, row: Rpc[Any, Any], request: Any) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        if row.rpc_name == "UploadQueueYaml":  # the body is the file
            query = {"appId": request.app_id}
            return self._client.post("/api/queue/update", params=query, content=request.http_body.data)
        generated = importlib.import_module(f"google.cloud.tasks_{version}.services.cloud_tasks.transports.rest_base")
        method = getattr(generated._BaseCloudTasksRestTransport, f"_Base{row.rpc_name}", None)
        if method is None:
            ours = raw(row.request).FromString(request.SerializeToString())
            call = write_request(row, ours)
            return self._client.request(
                call.verb, call.path, params=list(call.query), content=call.body, headers=headers
            )
        parts = path_template.transcode(method._get_http_options(), request)
        query = json_format.MessageToDict(parts["query_params"], use_integers_for_enums=True)
        query["$alt"] = "json;enum-encoding=int"
        body = parts.get("body")
        content = None if body is None else json_format.MessageToJson(body, use_integers_for_enums=True)
        return self._client.request(parts["method"], parts["uri"], params=query, content=content, headers=headers)

    def close(self) -> None:
        self._client.close()


def _refusal_in(response: httpx.Response) -> Refusal:
    error = json.loads(response.text)["error"]
    assert error["code"] == response.status_code
    return Refusal(error["status"], error["message"], error.get("details", []))


class Cloud:
    """One project of one version, reached one way; ``outcomes`` is what every call so far came to."""

    def __init__(self, wire: Wire, version: str, project: str) -> None:
        self.version = version
        self.wire = wire
        self.location = f"projects/{project}/locations/us-central1"
        self.queue = f"{self.location}/queues/q"
        self.task = f"{self.queue}/tasks/t"
        self.outcomes: set[tuple[str, str]] = set()

    def __call__(self, rpc: str, **fields: Any) -> Any:
        """What the call answers, a raw message."""
        row = ROWS[self.version][rpc]
        request = message_of(self.version, row.request, **fields)
        try:
            answer = self.wire.call(self.version, row, request, message_of(self.version, row.response))
        except RefusedError as error:
            self.outcomes.add((rpc, error.refusal.code))
            raise
        self.outcomes.add((rpc, Code.OK.name))
        return answer

    def refused(self, rpc: str, **fields: Any) -> Refusal:
        """How the call is refused; an AssertionError if it is not."""
        try:
            answer = self(rpc, **fields)
        except RefusedError as error:
            return error.refusal
        raise AssertionError(f"{rpc} was answered: {answer}")

    def create_queue(self, **settings: Any) -> Any:
        return self("CreateQueue", parent=self.location, queue={"name": self.queue, **settings})

    def create_task(self, **task: Any) -> Any:
        """A task that waits, named, unless something else is said."""
        fields = {"name": self.task, "http_request": {"url": "https://example.com/a"}, **task}
        return self("CreateTask", parent=self.queue, task=fields)
