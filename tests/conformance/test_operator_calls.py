"""Every call of the operator's table gets the same answer over gRPC, over REST and from the client."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import httpx
import pytest
from google.api_core import exceptions
from google.protobuf.json_format import ParseDict
from tests.cli.serving import served
from tests.conformance.operator_calls import (
    CALLS,
    DYING,
    LAST,
    LOCATION,
    OPERATION,
    OTHER,
    QUEUE,
    STREAMS,
    TASK,
    WAY,
    WITHOUT_DEV,
    Call,
)
from tests.endtoend.waiting import eventually_all

import tidegate
from tidegate import tasks_v2
from tidegate.operator_v1 import OperatorClient
from tidegate.schema.operator import Operator
from tidegate.schema.transcoding import to_json, write_request

CANARY = "canary-7f3a"
MOVING = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+Z|\"(eyJ|[A-Za-z0-9_-]{20,})[A-Za-z0-9_-]*\"|\"offset\": \"[^\"]*\""
    r"|(operations|faults|deadTasks)/\w+|\"\d+(\.\d+)?s\"|\"timing\": \{[^}]*\}"
)
"""Times, spans, tokens and names that differ from call to call."""
HANDLED = {"OK", "NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION"}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    queues = [argument for queue in (QUEUE, OTHER) for argument in ("--queue", queue)]
    with served(
        "--dev", "--store", "sqlite://:memory:", *queues, directory=tmp_path_factory.mktemp("store")
    ) as address:
        client = tidegate.connect(address)
        request = tasks_v2.HttpRequest(
            url=f"http://handler.test/x?token={CANARY}",
            headers={"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, "X-Api-Key": CANARY},
            body=b"body",
        )
        task = tasks_v2.Task(name=TASK, http_request=request, schedule_time=datetime.now(UTC) + timedelta(hours=1))
        client.pause_queue(name=QUEUE)
        client.create_task(parent=QUEUE, task=task)
        dying = tasks_v2.Queue(name=DYING, retry_config=tasks_v2.RetryConfig(max_attempts=1))
        client.create_queue(parent=LOCATION, queue=dying)
        for number in range(1, 1 + len(WAYS)):
            unanswered = tasks_v2.HttpRequest(url="http://127.0.0.1:1/")
            client.create_task(
                parent=DYING, task=tasks_v2.Task(name=f"{DYING}/tasks/d{number}", http_request=unanswered)
            )
            eventually_all("the task has died", lambda: len(list(client.list_tasks(parent=DYING))))
            client.operator.create_fault(
                parent=OTHER, fault={"match": {"task_prefix": "none"}, "refuse": {}}, fault_id=f"f{number}"
            )
        ended = client.operator.bulk_delete_tasks(request={"parent": OTHER, "filter": "name:*"})
        ended.result(timeout=60)
        ENDED["name"] = ended.operation.name
        client.transport.close()
        yield address


WAYS = ("grpc", "rest", "client", "client over rest")
ENDED: dict[str, str] = {}


def in_this_way(call: Call, way: str) -> Call:
    """The call about what this way has for itself."""
    text = json.dumps(call.fields).replace(WAY, str(1 + WAYS.index(way)))
    return call._replace(fields=json.loads(text.replace(OPERATION, ENDED["name"])))


def message_of(call: Call) -> Any:
    return ParseDict(call.fields, call.row.request_pb())


def test_every_method_is_in_the_table() -> None:
    made = {call.row.name for call in (*CALLS, *LAST) if not call.row.streams}
    streamed = {call.row.name for call in STREAMS if call.row.streams}
    assert made | streamed == {row.name for row in Operator.rpcs}


def test_every_method_for_tests_alone_is_in_the_table_without_dev() -> None:
    assert [call.row.name for call in WITHOUT_DEV if call.row.dev] == [call.row.name for call in WITHOUT_DEV]
    assert {call.row.name for call in WITHOUT_DEV} == {row.name for row in Operator.rpcs if row.dev}


def kind(code: str) -> str:
    return {"OK": "success", "INVALID_ARGUMENT": "bad input"}.get(code, "failure")


def test_every_method_has_a_success_a_failure_and_bad_input() -> None:
    told = {
        row.name: {kind(call.code) for call in (*CALLS, *STREAMS, *LAST, *WITHOUT_DEV) if call.row is row}
        for row in Operator.rpcs
    }
    without_input = {"get_server", "list_nodes", "get_clock", "freeze_clock", "reset_clock", "reset_server"}
    only_with_access = ["list_audit_entries"]  # its success: tests/access/test_audit.py
    # What is there always, and an import, whose failures stand in its answer. They fail for who may not make them:
    # tests/access/test_matrix.py has that of every method.
    always = {"get_server", "drain", "undrain", "list_nodes", "list_queue_statuses", "query_time_series", "get_clock"}
    always |= {"list_operations", "watch_events", "import_state"}
    assert [name for name, kinds in told.items() if "success" not in kinds] == only_with_access
    assert {name for name, kinds in told.items() if "bad input" not in kinds} == without_input
    assert {name for name, kinds in told.items() if "failure" not in kinds} == always


def over_grpc(channel: grpc.Channel) -> Callable[[Call], tuple[str, Any]]:
    def ask(call: Call) -> tuple[str, Any]:
        method: Any = channel.unary_unary(
            call.row.grpc_path,
            request_serializer=call.row.request_pb.SerializeToString,
            response_deserializer=call.row.response_pb.FromString,
        )
        try:
            return "OK", to_json(method(message_of(call), timeout=60))
        except grpc.RpcError as error:
            return error.code().name, error.details()

    return ask


def over_rest(http: httpx.Client) -> Callable[[Call], tuple[str, Any]]:
    def ask(call: Call) -> tuple[str, Any]:
        sent = write_request(call.row, message_of(call))
        answer = http.request(sent.verb, sent.path, params=list(sent.query), content=sent.body)
        if answer.status_code == 200:
            return "OK", answer.json()
        error = answer.json()["error"]
        return error["status"], error["message"]

    return ask


def with_client(client: OperatorClient) -> Callable[[Call], tuple[str, Any]]:
    def ask(call: Call) -> tuple[str, Any]:
        raw = message_of(call)
        request = call.row.request.wrap(raw) if hasattr(call.row.request, "wrap") else raw
        try:
            answer = getattr(client, call.row.name)(request=request)
        except exceptions.GoogleAPICallError as error:
            code = error.grpc_status_code
            assert code is not None
            return code.name, error.message if client.transport.kind == "grpc" else None
        answer = getattr(answer, "_response", answer)
        answer = answer.operation if call.row.long_running else answer
        if answer is None:
            return "OK", {}
        return "OK", to_json(call.row.response.pb(answer) if hasattr(call.row.response, "pb") else answer)

    return ask


def steady(value: Any) -> Any:
    return MOVING.sub("…", json.dumps(value, sort_keys=True))


@pytest.fixture(scope="module")
def ways(address: str) -> Iterator[dict[str, Callable[[Call], tuple[str, Any]]]]:
    with asking(address) as ways:
        yield ways


@contextmanager
def asking(address: str) -> Iterator[dict[str, Callable[[Call], tuple[str, Any]]]]:
    with (
        grpc.insecure_channel(address) as channel,
        httpx.Client(base_url=f"http://{address}", timeout=60) as http,
        OperatorClient(address) as client,
        OperatorClient(address, transport="rest") as rest_client,
    ):
        yield {
            "grpc": over_grpc(channel),
            "rest": over_rest(http),
            "client": with_client(client),
            "client over rest": with_client(rest_client),
        }


@pytest.fixture(scope="module")
def ways_without_dev(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Callable[[Call], tuple[str, Any]]]]:
    folder = tmp_path_factory.mktemp("without-dev")
    with served("--store", "sqlite://:memory:", "--queue", OTHER, directory=folder) as address, asking(address) as ways:
        yield ways


@pytest.mark.parametrize("call", WITHOUT_DEV, ids=lambda call: call.row.name)
def test_what_is_for_tests_is_refused_without_dev_in_every_way(call: Call, ways_without_dev: dict[str, Any]) -> None:
    told = {way: ask(call) for way, ask in ways_without_dev.items()}
    assert {code for code, _ in told.values()} == {call.code}
    assert len({text for _, text in told.values() if text is not None}) == 1
    assert "--dev" in told["grpc"][1]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: f"{call.row.name}-{call.code}")
def test_the_answer_is_the_same_in_every_way(call: Call, ways: dict[str, Any]) -> None:
    code, answer = ways["grpc"](in_this_way(call, "grpc"))
    assert code == call.code, answer
    if call.row is not Operator.search_tasks:  # which shows tasks as Cloud Tasks does
        assert CANARY not in json.dumps(answer)
    for way, ask in ways.items():
        if way == "grpc":
            continue
        with suppress(ValueError):  # a client refuses a name over REST that fits no path
            other_code, other = ask(in_this_way(call, way))
            if way == "rest" and other_code == "NOT_FOUND" and "There is no" in str(other):
                continue  # so does the router
            assert other_code == code, way
            if other is not None:
                assert steady(other) == steady(answer), way


def test_streams_are_the_same_in_every_way(address: str) -> None:
    expected = None
    for transport in ("grpc", "rest"):
        with OperatorClient(address, transport=transport) as client:
            records = [type(record).to_dict(record) for record in client.export_state(parent=LOCATION)]
            assert "header" in records[0]
            assert "trailer" in records[-1]
            said = steady(records[1:])
            assert expected in (None, said)
            expected = said
            with pytest.raises((exceptions.InvalidArgument, ValueError)):
                list(client.export_state(parent="projects/p/locations"))
            events: Any = client.watch_events(request={"parent": "-", "replay_last": 1})
            assert next(events).cursor
            events.close()


def test_the_operators_client_is_part_of_what_connect_answers(address: str) -> None:
    for transport in ("grpc", "rest"):
        with tidegate.connect(address, transport=transport) as client:
            assert client.operator.get_server().state.name == "SERVING"


async def test_the_client_with_asyncio_answers_the_same(address: str) -> None:
    for transport in ("grpc", "rest"):
        async with tidegate.connect(address, transport=transport, asynchronous=True) as client:
            assert (await client.operator.get_server()).state.name == "SERVING"
            names = [status.name async for status in await client.operator.list_queue_statuses(parent=LOCATION)]
            assert names == sorted(f"{queue}/status" for queue in (QUEUE, OTHER, DYING))
            async for event in client.operator.watch_events(request={"parent": "-", "replay_last": 1}):
                assert event.cursor
                break


def first_over_grpc(channel: grpc.Channel, call: Call) -> tuple[str, Any]:
    method: Any = channel.unary_stream(
        call.row.grpc_path,
        request_serializer=call.row.request_pb.SerializeToString,
        response_deserializer=call.row.response_pb.FromString,
    )
    answers = method(message_of(call), timeout=60)
    try:
        return "OK", to_json(next(answers))
    except grpc.RpcError as error:
        return error.code().name, error.details()
    finally:
        answers.cancel()


def first_over_rest(http: httpx.Client, call: Call) -> tuple[str, Any] | None:
    try:
        sent = write_request(call.row, message_of(call))
    except ValueError:  # the name fits no path
        return None
    ndjson = {"Accept": "application/x-ndjson"}
    with http.stream(sent.verb, sent.path, params=list(sent.query), headers=ndjson) as answer:
        if answer.status_code != 200:
            answer.read()
            error = answer.json()["error"]
            return error["status"], error["message"]
        return "OK", json.loads(next(answer.iter_lines()))


def first_of_client(client: OperatorClient, call: Call) -> tuple[str, Any]:
    try:
        answers = getattr(client, call.row.name)(request=call.row.request.wrap(message_of(call)))
        first = next(answers)
    except exceptions.GoogleAPICallError as error:
        code = error.grpc_status_code
        assert code is not None
        return code.name, None
    answers.close()
    return "OK", to_json(call.row.response.pb(first))


@pytest.mark.parametrize("call", STREAMS, ids=lambda call: f"{call.row.name}-{call.code}")
def test_a_stream_begins_the_same_in_every_way(call: Call, address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        code, first = first_over_grpc(channel, call)
    assert code == call.code, first
    assert CANARY not in json.dumps(first)
    with httpx.Client(base_url=f"http://{address}", timeout=60) as http:
        over_rest = first_over_rest(http, call)
        assert over_rest is None or (over_rest[0], steady(over_rest[1])) == (code, steady(first))
    for transport in ("grpc", "rest"):
        with OperatorClient(address, transport=transport) as client, suppress(ValueError):
            other_code, other = first_of_client(client, call)
            assert other_code == code, transport
            assert other is None or steady(other) == steady(first), transport


@pytest.mark.parametrize("call", LAST, ids=lambda call: f"{call.row.name}-{call.code}")
def test_what_ends_everything_is_the_same_in_every_way(call: Call, ways: dict[str, Any]) -> None:
    for way, ask in ways.items():
        assert ask(call) == ("OK", {}), way
