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
from tidegate.schema.transcoding.outgoing import read_response, write_request

assert error_details_pb2  # so that the details of errors can be read

SCHEMAS = {"v2": v2, "v2beta3": v2beta3, "v2beta2": v2beta2}
ROWS: dict[str, dict[str, Rpc[Any, Any]]] = {
    version: {row.rpc_name: row for service in schema.SERVICES for row in service.rpcs}
    for version, schema in SCHEMAS.items()
}
"""Every RPC of every version by its name; what it takes and answers is said there."""

JSON = {"Content-Type": "application/json"}
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


def message_class(version: str, name: str) -> Any:
    """Google's own class for a message of a version; ours for one that their package does not have."""
    types = importlib.import_module(f"google.cloud.tasks_{version}.types")
    return getattr(types, name, None) or getattr(SCHEMAS[version], name)


def message_of(version: str, declared: type[Any], **fields: Any) -> Message:
    """A raw message of Google's, for one that is declared in the schema."""
    if hasattr(declared, "DESCRIPTOR"):
        shared: Message = declared(**fields)  # IAM, locations, operations: Google's in any case
        return shared
    kind = message_class(version, declared.__name__)
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
        generated = importlib.import_module(f"google.cloud.tasks_{version}.services.cloud_tasks.transports.rest_base")
        method = getattr(generated._BaseCloudTasksRestTransport, f"_Base{row.rpc_name}", None)
        options = getattr(method, "_get_http_options", None)
        response = self._send_ours(row, request) if options is None else self._send_theirs(options(), request)
        if response.status_code != 200:
            raise RefusedError(_refusal_in(response))
        if options is None:
            answer.ParseFromString(read_response(row, response.content).SerializeToString())
        else:
            json_format.Parse(response.text, answer)
        return answer

    def _send_theirs(self, options: Any, request: Message) -> httpx.Response:
        parts = path_template.transcode(options, request)
        query = json_format.MessageToDict(parts["query_params"], use_integers_for_enums=True)
        query["$alt"] = "json;enum-encoding=int"
        body = parts.get("body")
        content = None if body is None else json_format.MessageToJson(body, use_integers_for_enums=True)
        return self._client.request(parts["method"], parts["uri"], params=query, content=content, headers=JSON)

    def _send_ours(self, row: Rpc[Any, Any], request: Any) -> httpx.Response:
        if row.rpc_name == "UploadQueueYaml":  # the body is the file
            query = {"appId": request.app_id}
            return self._client.post("/api/queue/update", params=query, content=request.http_body.data)
        call = write_request(row, raw(row.request).FromString(request.SerializeToString()))
        return self._client.request(call.verb, call.path, params=list(call.query), content=call.body, headers=JSON)

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
