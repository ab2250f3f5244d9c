"""Every method and every field with much in it: refused or done, and nobody else waits.

Alone each method gets as much as a megabyte. ``make hostile`` (HOSTILE set) sends all that a method may carry, in every
version of the API.
"""

from __future__ import annotations

import gzip
import os
from typing import Any

import grpc
import httpx
import pytest
from google.protobuf.json_format import MessageToJson
from tests.hostile.conftest import Unharmed
from tests.hostile.requests import QUEUE, Attack, grpc_attacks, path_of, rest_attacks

from tidegate.schema import v2
from tidegate.schema.rpc import Rpc
from tidegate.schema.versions import all_rows, rows

LONG = "HOSTILE" in os.environ
MOST = 2**30 if LONG else 2**20
# The queue is the bystander's too; what deletes it is one name long.
ROWS = {
    f"{row.service}/{row.rpc_name} {row.http.path if row.http else ''}": row
    for row in (all_rows() if LONG else rows("v2"))
    if row.name != "delete_queue"
}
GRPC = [name for name, row in ROWS.items() if row.grpc]
REST = [name for name, row in ROWS.items() if row.http is not None]

ENOUGH = 2**20
QUERIES = {
    "many parameters": b"pageSize=1&" * (ENOUGH // 11),
    "short parameters": b"&a" * (ENOUGH // 2),
    "many masks": b"updateMask=" + b"a," * (ENOUGH // 2),
    "many mask parameters": b"readMask=a&" * 900,
    "a long filter": b"filter=" + b"a+" * (ENOUGH // 2),
    "a filter of many words": b"filter=" + b"a+OR+" * 400 + b"b",
    "a selection": b"fields=" + b"a(" * (ENOUGH // 2),
    "much percent": b"filter=" + b"%41" * 20_000,
}

FINE = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.ABORTED,
}
FINE_HTTP = {200, 400, 403, 404, 409, 413, 414, 429, 431}


def grpc_status(channel: grpc.Channel, row: Rpc[Any, Any], payload: bytes, **options: Any) -> grpc.StatusCode:
    try:
        call: Any = channel.unary_unary(row.grpc_path)
        call(payload, timeout=120, **options)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


@pytest.mark.parametrize("name", GRPC)
def test_a_message_with_much_in_any_field_holds_nobody_up(name: str, channel: grpc.Channel, unharmed: Unharmed) -> None:
    row = ROWS[name]
    for attack in grpc_attacks(row, MOST):

        def send(attack: Attack = attack) -> None:
            assert grpc_status(channel, row, attack.payload) in FINE, attack.what

        unharmed(f"{row.rpc_name} {attack.what}", send)


@pytest.mark.parametrize("name", REST)
def test_a_body_with_much_in_any_field_holds_nobody_up(name: str, http: httpx.Client, unharmed: Unharmed) -> None:
    row = ROWS[name]
    for attack in rest_attacks(row, MOST):

        def send(attack: Attack = attack) -> None:
            assert row.http is not None
            answer = http.request(row.http.verb, path_of(row), content=attack.payload)
            assert answer.status_code in FINE_HTTP, (attack.what, answer.text[:200])

        unharmed(f"{row.rpc_name} {attack.what}", send)


@pytest.mark.parametrize("what", QUERIES)
def test_a_query_with_much_in_it_holds_nobody_up(what: str, http: httpx.Client, unharmed: Unharmed) -> None:
    def send() -> None:
        for row in (ROWS[name] for name in REST):
            # As the body of a POST, for URLs end before that.
            answer = http.post(path_of(row), content=QUERIES[what], headers={"x-http-method-override": "GET"})
            assert answer.status_code in FINE_HTTP, (row.rpc_name, answer.text[:200])

    unharmed(what, send)


BATCH = v2.CloudTasks.batch_create_tasks


def test_a_batch_of_millions_in_a_few_kilobytes_is_refused_with_the_documented_text(
    channel: grpc.Channel, http: httpx.Client, unharmed: Unharmed
) -> None:
    body = gzip.compress(b'{"requests":[' + b"{}," * 4_999_999 + b"{}]}")
    assert len(body) < 20_000
    message = BATCH.request_pb(parent=QUEUE).SerializeToString() + b"\x12\x00" * 1_000_000

    def rest() -> None:
        answer = http.post(f"/v2/{QUEUE}/tasks:batchCreate", content=body, headers={"content-encoding": "gzip"})
        assert answer.status_code in {400, 429}

    def unpacked() -> None:
        answer = http.post(f"/v2/{QUEUE}/tasks:batchCreate", content=b'{"requests":[' + b"{}," * 101 + b"{}]}")
        assert answer.json()["error"]["message"] == (
            "A maximum of 100 tasks can be created in a single batch, but got 102 tasks."
        )

    def call() -> None:
        assert grpc_status(channel, BATCH, message) is grpc.StatusCode.INVALID_ARGUMENT
        status = grpc_status(channel, BATCH, message, compression=grpc.Compression.Gzip)
        assert status in {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED}

    unharmed("BatchCreateTasks, 15 MB of JSON in 15 KB", rest)
    unharmed("BatchCreateTasks, 102 requests", unpacked)
    unharmed("BatchCreateTasks, a million empty requests", call)


@pytest.mark.parametrize("rest", [False, True], ids=["grpc", "rest"])
def test_a_batch_as_large_as_it_may_be_holds_nobody_up(
    rest: bool, channel: grpc.Channel, http: httpx.Client, unharmed: Unharmed
) -> None:
    size = 2**20 - 1000 if LONG else 2**17
    task = v2.Task.pb(v2.Task(http_request=v2.HttpRequest(url="http://127.0.0.1:9/", body=os.urandom(size))))
    task.schedule_time.GetCurrentTime()
    task.schedule_time.seconds += 24 * 3600
    batch = BATCH.request_pb(parent=QUEUE)
    for _ in range(100):
        batch.requests.add(parent=QUEUE, response_view=2).task.CopyFrom(task)
    if rest:
        body = MessageToJson(batch).encode()

        def send() -> None:
            answer = http.post(f"/v2/{QUEUE}/tasks:batchCreate", content=body)
            assert (answer.status_code, answer.json()["metadata"]["state"]) == (200, "SUCCEEDED")
    else:
        message = batch.SerializeToString()

        def send() -> None:
            assert grpc_status(channel, BATCH, message) is grpc.StatusCode.OK

    unharmed(f"BatchCreateTasks, {100 * size >> 20} MiB over {'REST' if rest else 'gRPC'}", send)


def test_a_policy_has_no_more_members_than_google_takes(http: httpx.Client, unharmed: Unharmed) -> None:
    bindings = [{"role": f"roles/r{number}", "members": ["allUsers"]} for number in range(1500)]

    def send() -> None:
        for policy, status in ((bindings, 200), (bindings * 2, 400), ([], 200)):
            answer = http.post(f"/v2/{QUEUE}:setIamPolicy", json={"policy": {"bindings": policy}})
            assert answer.status_code == status, answer.text[:300]

    unharmed("SetIamPolicy", send)
