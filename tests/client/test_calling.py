"""What our client does beyond Google's, and what is easily lost: error classes, interceptors, quick calls."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from unittest import mock

import grpc
import pytest
from google.api_core import exceptions
from google.auth.credentials import AnonymousCredentials
from google.cloud.location import locations_pb2
from google.iam.v1 import iam_policy_pb2
from google.protobuf.json_format import ParseError
from google.rpc import error_details_pb2, status_pb2
from tests.client.recorder import Answer, GrpcRecorder, RestRecorder, Script

import tidegate
from tidegate import tasks_v2
from tidegate.client.transports import quick_grpc
from tidegate.tasks_v2.services.cloud_tasks.transports import (
    CloudTasksGrpcAsyncIOTransport,
    CloudTasksGrpcTransport,
    CloudTasksRestInterceptor,
    CloudTasksRestTransport,
)

QUEUE = "projects/p/locations/l/queues/q"
NAME = f"{QUEUE}/tasks/t"

ASKED: dict[str, Any] = {"parent": QUEUE, "task": tasks_v2.Task(name=NAME, schedule_time="2030-01-01T00:00:00Z")}

# Of each code: its HTTP number, and the class that REST raises: gRPC's, where that is a subclass of the number's.
CODES = {
    "CANCELLED": (499, exceptions.Cancelled),
    "UNKNOWN": (500, exceptions.InternalServerError),
    "INVALID_ARGUMENT": (400, exceptions.InvalidArgument),
    "DEADLINE_EXCEEDED": (504, exceptions.DeadlineExceeded),
    "NOT_FOUND": (404, exceptions.NotFound),
    "ALREADY_EXISTS": (409, exceptions.AlreadyExists),
    "PERMISSION_DENIED": (403, exceptions.PermissionDenied),
    "RESOURCE_EXHAUSTED": (429, exceptions.ResourceExhausted),
    "FAILED_PRECONDITION": (400, exceptions.FailedPrecondition),
    "ABORTED": (409, exceptions.Aborted),
    "OUT_OF_RANGE": (400, exceptions.OutOfRange),
    "UNIMPLEMENTED": (501, exceptions.MethodNotImplemented),
    "INTERNAL": (500, exceptions.InternalServerError),
    "UNAVAILABLE": (503, exceptions.ServiceUnavailable),
    "DATA_LOSS": (500, exceptions.InternalServerError),
    "UNAUTHENTICATED": (401, exceptions.Unauthenticated),
}


def failure(code: str, number: int) -> Answer:
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "WHY", "domain": "d", "metadata": {"a": "b"}}
    body = {"error": {"code": number, "message": "what is wrong", "status": code, "details": [info]}}
    return Answer(json=json.dumps(body).encode(), http_status=number)


@pytest.mark.parametrize("code", CODES)
def test_rest_raises_the_class_that_grpc_raises(rest_server: RestRecorder, script: Script, code: str) -> None:
    number, kind = CODES[code]
    script.begin([failure(code, number)])
    with tidegate.connect(rest_server.address, transport="rest") as client, pytest.raises(kind) as raised:
        client.create_task(parent=QUEUE, task={})
    assert type(raised.value) is kind
    assert raised.value.message.endswith("what is wrong")
    assert raised.value.code == number
    assert (raised.value.reason, raised.value.domain, raised.value.metadata) == ("WHY", "d", {"a": "b"})
    assert raised.value.response is not None
    assert isinstance(raised.value, exceptions.exception_class_for_http_status(number))


def test_a_status_that_does_not_fit_its_number_is_not_believed(rest_server: RestRecorder, script: Script) -> None:
    script.begin([failure("NOT_FOUND", 403), failure("NO_SUCH_CODE", 400)])
    with tidegate.connect(rest_server.address, transport="rest") as client:
        for kind in (exceptions.Forbidden, exceptions.BadRequest):
            with pytest.raises(kind) as raised:
                client.create_task(parent=QUEUE, task={})
            assert type(raised.value) is kind


def test_a_timeout_of_the_server_is_retried_over_rest_as_over_grpc(rest_server: RestRecorder, script: Script) -> None:
    script.begin([failure("DEADLINE_EXCEEDED", 504), Answer(json=b'{"name": "%s"}' % NAME.encode())])
    with tidegate.connect(rest_server.address, transport="rest") as client:
        assert client.get_task(name=NAME).name == NAME


def test_an_answer_over_rest_that_cannot_be_read_is_a_parse_error(rest_server: RestRecorder, script: Script) -> None:
    script.begin([Answer(json=body) for body in (b"", b"<html>", b'{"name": 5}')])
    with tidegate.connect(rest_server.address, transport="rest") as client:
        for _ in range(3):
            with pytest.raises(ParseError):
                client.create_task(parent=QUEUE, task={})


def test_interceptors_see_and_change_what_goes_and_comes(rest_server: RestRecorder, script: Script) -> None:
    class Marking(CloudTasksRestInterceptor):
        def pre_get_task(self, request: Any, metadata: Any) -> Any:
            assert isinstance(request, tasks_v2.GetTaskRequest)
            return request, [*metadata, ("x-marked", "yes")]

        def post_get_task(self, response: Any) -> Any:
            response.name += "!"
            return response

        def post_get_task_with_metadata(self, response: Any, metadata: Any) -> Any:
            assert ("Content-Type", "application/json; charset=UTF-8") in metadata
            response.name += "?"
            return response, metadata

    script.begin([Answer(json=b'{"name": "t"}')])
    transport = CloudTasksRestTransport(
        host=rest_server.address, credentials=AnonymousCredentials(), interceptor=Marking()
    )
    with tasks_v2.CloudTasksClient(transport=transport) as client:
        assert client.get_task(name=NAME).name == "t!?"
    assert ("x-marked", "yes") in script.seen[0]["headers"]


def test_a_request_that_is_given_stays_as_it_is(grpc_server: GrpcRecorder, script: Script) -> None:
    page = tasks_v2.ListTasksResponse(tasks=[{"name": "a"}], next_page_token="more")
    last = tasks_v2.ListTasksResponse(tasks=[{"name": "b"}])
    script.begin([Answer(tasks_v2.ListTasksResponse.serialize(each)) for each in (page, last)])
    request = tasks_v2.ListTasksRequest(parent=QUEUE)
    with tidegate.connect(grpc_server.address) as client:
        assert [task.name for task in client.list_tasks(request)] == ["a", "b"]
    assert request == tasks_v2.ListTasksRequest(parent=QUEUE)


def test_the_bare_call_of_a_transport_takes_messages(grpc_server: GrpcRecorder, script: Script) -> None:
    script.begin([Answer(tasks_v2.Task.serialize(tasks_v2.Task(name=NAME)))])
    with tidegate.connect(grpc_server.address) as client:
        transport: Any = client.transport
        assert transport.get_task(tasks_v2.GetTaskRequest(name=NAME)).name == NAME


def test_the_bare_call_of_a_transport_has_futures_and_calls_as_grpcios_has(
    grpc_server: GrpcRecorder, script: Script
) -> None:
    script.begin([Answer(tasks_v2.Task.serialize(tasks_v2.Task(name=NAME)))] * 2)
    request = tasks_v2.GetTaskRequest(name=NAME)
    with tidegate.connect(grpc_server.address) as client:
        transport: Any = client.transport
        assert transport.get_task.future(request, timeout=20).result().name == NAME
        answer, call = transport.get_task.with_call(request, metadata=[("x-mine", "a")])
        assert (answer.name, call.code()) == (NAME, grpc.StatusCode.OK)


async def test_the_bare_call_over_rest_takes_a_retry_as_googles_does(rest_server: RestRecorder, script: Script) -> None:
    script.begin([Answer(json=b'{"name": "t"}')] * 2)
    request = tasks_v2.GetTaskRequest(name=NAME)
    with tidegate.connect(rest_server.address, transport="rest") as client:
        transport: Any = client.transport
        assert transport.get_task(request, retry=None, timeout=3, metadata=[]).name == "t"
    async with tidegate.connect(rest_server.address, transport="rest", asynchronous=True) as waiting:
        transport = waiting.transport
        assert (await transport.get_task(request, retry=None, timeout=3, metadata=[])).name == "t"


def check_is_a_message(request: Any) -> None:
    assert isinstance(request, tasks_v2.CreateTaskRequest)
    assert request == tasks_v2.CreateTaskRequest(ASKED)
    assert isinstance(request.task.schedule_time, datetime)


@pytest.mark.parametrize("kind", ["grpc", "rest"])
def test_a_mock_can_take_the_place_of_the_bare_call(kind: Any) -> None:
    with tidegate.connect("localhost:1", transport=kind) as client:
        transport: Any = client.transport
        with mock.patch.object(type(transport.get_task), "__call__") as call:
            call.return_value = tasks_v2.Task(name="t")
            assert client.create_task(**ASKED).name == "t"
        check_is_a_message(*call.call_args.args)


class Outcomes:
    """What a callable of grpcio comes to."""

    def __init__(self, method: Any) -> None:
        self._method = method

    def __call__(self, request: Any, **options: Any) -> list[Any]:
        try:
            return [self._method(request, **options)]
        except grpc.RpcError as error:
            said: Any = error
            return [type(error).__name__, said.code(), said.details(), list(said.trailing_metadata() or [])]
        except Exception as error:
            return [type(error).__name__, str(error)]


def test_the_quick_callable_does_as_grpcios_own(grpc_server: GrpcRecorder, script: Script) -> None:
    assert quick_grpc.KNOWN
    channel = grpc.insecure_channel(grpc_server.address)
    method = channel.unary_unary(
        "/google.cloud.tasks.v2.CloudTasks/GetTask",
        request_serializer=tasks_v2.GetTaskRequest.serialize,
        response_deserializer=tasks_v2.Task.deserialize,
    )
    quick = quick_grpc.quick(method)
    assert quick is not method
    status = status_pb2.Status(code=5)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="WHY"))
    answers = [
        Answer(tasks_v2.Task.serialize(tasks_v2.Task(name=NAME))),
        Answer(b""),
        Answer(code=5, text="müde", details=status.SerializeToString()),
        Answer(code=14),
        Answer(b"\xff\xff not a task"),
    ]
    request = tasks_v2.GetTaskRequest(name=NAME)
    ways: list[tuple[Any, dict[str, Any]]] = [(request, {"timeout": 20.0, "metadata": [("x-mine", "a")]})] * len(
        answers
    )
    ways += [(request, {"wait_for_ready": True}), (5, {}), (request, {"metadata": [("X-Bad Key", "a")]})]
    seen = []
    for way in (method, quick):
        script.begin([*answers, answers[0]])
        seen.append(([Outcomes(way)(what, **options) for what, options in ways], script.seen))
    channel.close()
    assert seen[0] == seen[1]
    assert len(seen[0][1]) == len(answers) + 1


def test_a_channel_that_is_not_grpcios_own_is_not_hurried(grpc_server: GrpcRecorder, script: Script) -> None:
    looking = Looking()
    channel = grpc.intercept_channel(grpc.insecure_channel(grpc_server.address), looking)
    script.begin([Answer(tasks_v2.Task.serialize(tasks_v2.Task(name=NAME)))])
    with tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel)) as client:
        assert client.get_task(name=NAME).name == NAME
    assert len(looking.seen) == 1


class Looking(grpc.UnaryUnaryClientInterceptor):
    """Keeps the requests that pass."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        self.seen.append(request)
        return continuation(client_call_details, request)


class LookingAsync(grpc.aio.UnaryUnaryClientInterceptor):  # type: ignore[misc, unused-ignore]  # untyped
    """The same with asyncio."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    async def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        self.seen.append(request)
        return await continuation(client_call_details, request)


def test_interceptors_of_a_channel_see_messages(grpc_server: GrpcRecorder, script: Script) -> None:
    looking = Looking()
    channel = grpc.intercept_channel(grpc.insecure_channel(grpc_server.address), looking)
    script.begin([Answer(b"")])
    with tasks_v2.CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel)) as client:
        client.create_task(**ASKED)
    check_is_a_message(*looking.seen)


async def test_interceptors_of_a_channel_see_messages_with_asyncio(grpc_server: GrpcRecorder, script: Script) -> None:
    looking = LookingAsync()
    channel = grpc.aio.insecure_channel(grpc_server.address, interceptors=[looking])
    script.begin([Answer(b"")])
    transport = CloudTasksGrpcAsyncIOTransport(channel=channel)
    async with tasks_v2.CloudTasksAsyncClient(transport=transport) as client:
        await client.create_task(**ASKED)
    check_is_a_message(*looking.seen)


def test_a_transport_of_ones_own_gets_messages() -> None:
    seen = []

    class Own(CloudTasksGrpcTransport):
        @property
        def create_task(self) -> Any:
            return lambda request, **_: seen.append(request)

    with tasks_v2.CloudTasksClient(transport=Own(channel=grpc.insecure_channel("localhost:1"))) as client:
        client.create_task(**ASKED)
    check_is_a_message(*seen)


SHARED: list[tuple[str, Any]] = [
    ("set_iam_policy", iam_policy_pb2.GetIamPolicyRequest(resource=QUEUE)),
    ("get_location", locations_pb2.ListLocationsRequest(name=QUEUE)),
]


@pytest.mark.parametrize(("method", "request_of_another"), SHARED)
async def test_a_shared_method_sends_whatever_has_the_field_that_it_is_routed_by(
    grpc_server: GrpcRecorder, script: Script, method: str, request_of_another: Any
) -> None:
    script.begin([Answer(b"")] * 2)
    with tidegate.connect(grpc_server.address) as client:
        getattr(client, method)(request_of_another)
    async with tidegate.connect(grpc_server.address, asynchronous=True) as waiting:
        await getattr(waiting, method)(request_of_another)
    blocking, awaited = script.seen
    assert blocking["body"] == awaited["body"] == request_of_another.SerializeToString()
    assert blocking["headers"] == awaited["headers"]


def test_nobody_there_is_service_unavailable() -> None:
    with tidegate.connect("127.0.0.1:1") as client, pytest.raises(exceptions.ServiceUnavailable):
        client.create_task(parent=QUEUE, task={})
