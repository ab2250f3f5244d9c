"""gRPC reflection: one answer to each question for as long as the client asks, over the wire and to grpcurl."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from tests.cli.serving import served
from tests.endtoend.page_programs import grpcurl
from tests.servers.driving import GRPC, Answer, Client, framed, request

from tidegate.core.errors import Code, Unimplemented
from tidegate.schema.reflection import PATHS, REQUEST, RESPONSE
from tidegate.servers.asgi import App
from tidegate.servers.call import Disconnected
from tidegate.servers.reflection import Reflection, reflection_mounts

SERVICES = [
    "google.cloud.location.Locations",
    "google.cloud.tasks.v2.CloudTasks",
    "google.cloud.tasks.v2beta2.CloudTasks",
    "google.cloud.tasks.v2beta3.CloudTasks",
    "google.longrunning.Operations",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
    "tidegate.operator.v1.Operator",
]
REFLECTION = Reflection()


def question(**asked: Any) -> bytes:
    serialized: bytes = REQUEST(**asked).SerializeToString()
    return serialized


def answers(answer: Answer) -> list[Any]:
    """The messages of an answer's body."""
    body, found = answer.body, []
    while body:
        end = 5 + int.from_bytes(body[1:5], "big")
        found.append(RESPONSE.FromString(body[5:end]))
        body = body[end:]
    return found


async def ask(*chunks: bytes, headers: Any = (GRPC,)) -> Answer:
    return await request(REFLECTION, PATHS[0], chunks, headers=headers)


async def test_each_question_of_a_stream_is_answered_in_turn() -> None:
    asked = [question(list_services=""), question(file_by_filename="nothing.proto"), question(host="h")]
    answer = await ask(b"".join(framed(each) for each in asked))
    listed, missing, nothing = answers(answer)
    assert [service.name for service in listed.list_services_response.service] == SERVICES
    assert missing.error_response.error_code == Code.NOT_FOUND
    assert (nothing.valid_host, nothing.error_response.error_code) == ("h", Code.INVALID_ARGUMENT)
    assert answer.trailers == {b"grpc-status": b"0"}


async def test_questions_may_come_in_any_pieces() -> None:
    whole = framed(question(list_services="")) * 2
    for size in (1, 3, len(whole) - 1):
        answer = await ask(*(whole[at : at + size] for at in range(0, len(whole), size)))
        assert len(answers(answer)) == 2
        assert answer.status == 0


async def test_an_answer_comes_before_the_next_question() -> None:
    client = Client([framed(question(list_services=""))], leaves=True)  # says nothing more, and then it is gone
    with pytest.raises(Disconnected):
        await request(REFLECTION, PATHS[0], client=client)
    assert [message["type"] for message in client.sent] == ["http.response.start", "http.response.body"]


async def test_no_question_is_no_error() -> None:
    answer = await ask()
    assert (answers(answer), answer.status) == ([], 0)


async def test_a_question_may_be_compressed() -> None:
    packed = framed(gzip.compress(question(list_services="")), flag=1)
    answer = await ask(packed, headers=(GRPC, (b"grpc-encoding", b"gzip")))
    assert len(answers(answer)) == 1


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (framed(b"\xff"), Code.INVALID_ARGUMENT),
        (framed(question(list_services=""))[:-1] + b"", Code.INVALID_ARGUMENT),
        (b"\x02\0\0\0\0", Code.INVALID_ARGUMENT),
        (b"\0\xff\xff\xff\xff", Code.RESOURCE_EXHAUSTED),
        (framed(b"", flag=1), Code.INTERNAL),
    ],
)
async def test_what_is_no_question_ends_the_stream_with_an_error(sent: bytes, code: Code) -> None:
    answer = await ask(framed(question(list_services="x")) + sent)
    assert len(answers(answer)) == 1
    assert answer.status == code


async def test_only_posted_protobuf_is_a_question() -> None:
    answer = await request(REFLECTION, PATHS[0], headers=[(b"content-type", b"application/grpc+json")])
    assert answer.status == Unimplemented.code
    assert (await request(REFLECTION, PATHS[0], method="GET")).status == Unimplemented.code


async def test_the_application_knows_the_streams_by_their_paths() -> None:
    app = App()
    app.serve({}, reflection_mounts())
    for path in PATHS:
        assert len(answers(await request(app, path, [framed(question(list_services=""))]))) == 1


# Over the wire


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    queue = "projects/p/locations/l/queues/q"
    with served(
        "--store", "sqlite://:memory:", "--queue", queue, directory=tmp_path_factory.mktemp("store")
    ) as address:
        yield address


@pytest.mark.parametrize("path", PATHS)
def test_a_client_asks_on_while_it_reads(address: str, path: str) -> None:
    with grpc.insecure_channel(address) as channel:
        stream: Any = channel.stream_stream(path, REQUEST.SerializeToString, RESPONSE.FromString)
        questions: SimpleQueue[Any] = SimpleQueue()
        responses = stream(iter(questions.get, None), timeout=60)
        questions.put(REQUEST(list_services=""))
        services = [service.name for service in next(responses).list_services_response.service]
        assert services == SERVICES
        told = []
        for service in services:
            questions.put(REQUEST(file_containing_symbol=service))
            told.append(next(responses))
        questions.put(None)
        assert list(responses) == []
        assert responses.code() is grpc.StatusCode.OK
    files = [FileDescriptorProto.FromString(each.file_descriptor_response.file_descriptor_proto[0]) for each in told]
    assert [f"{file.package}.{file.service[0].name}" for file in files] == services


def test_a_client_that_stops_asking_in_the_middle_harms_nobody(address: str) -> None:
    for _ in range(3):
        with grpc.insecure_channel(address) as channel:
            stream: Any = channel.stream_stream(PATHS[0], REQUEST.SerializeToString, RESPONSE.FromString)
            responses = stream(iter([REQUEST(list_services="")]), timeout=60)
            next(responses)
            responses.cancel()


# grpcurl


def test_grpcurl_lists_describes_and_calls(address: str) -> None:
    program = str(grpcurl())

    def run(*arguments: str, data: Any = None) -> str:
        sent = [] if data is None else ["-d", json.dumps(data)]
        command = [program, "-plaintext", "-max-time", "60", *sent, address, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("list").split() == SERVICES
    for service in SERVICES:
        assert f"service {service.rpartition('.')[2]} {{" in run("describe", service)
    assert json.loads(run("grpc.health.v1.Health/Check")) == {"status": "SERVING"}
    task = {"httpRequest": {"url": "https://example.com", "body": "aGk="}, "scheduleTime": "2026-01-01T00:00:00Z"}
    queue = "projects/p/locations/l/queues/q"
    sent = {"parent": queue, "task": task, "responseView": "FULL"}
    made = json.loads(run("google.cloud.tasks.v2.CloudTasks/CreateTask", data=sent))
    assert made["httpRequest"]["body"] == "aGk="
    batch = {"parent": queue, "names": [f"{queue}/tasks/gone"]}
    operation = json.loads(run("google.cloud.tasks.v2.CloudTasks/BatchDeleteTasks", data=batch))
    assert operation["metadata"]["@type"] == "type.googleapis.com/google.cloud.tasks.v2.BatchDeleteTasksMetadata"
