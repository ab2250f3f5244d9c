"""Whatever is sent to whichever call: a clear answer, never INTERNAL, and nothing changed unless the answer is 200."""

from __future__ import annotations

import asyncio
import json
from functools import cache
from typing import Any
from urllib.parse import quote

import pytest
from google.protobuf.descriptor import FieldDescriptor as F
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.servers.api import LATER, QUEUE, TASK, call, rest_of, said, still_engine

from tidegate.core.names import QueueName
from tidegate.core.queue import HttpTarget, Queue, UriOverride
from tidegate.schema.rpc import HttpRule, Rpc
from tidegate.schema.versions import VERSIONS, rows
from tidegate.servers.rest.firebase import FirebaseTasks
from tidegate.storage.sqlite import MemoryStore

ROWS = [
    *(pytest.param(row, id=f"{version}-{row.name}") for version in VERSIONS for row in rows(version) if row.http),
    *(pytest.param(row, id=f"firebase-{row.name}") for row in FirebaseTasks.rpcs),
]
TEXTS = st.text(max_size=12) | st.sampled_from(
    [QUEUE, TASK, f"{QUEUE}/tasks/new", "RUNNING", "FULL", LATER, "60s", "-1s", "1.5s", "https://example.com/x", "aGk="]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)
SCALARS: dict[int, Any] = {
    F.TYPE_BOOL: st.booleans(),
    F.TYPE_BYTES: st.sampled_from(["", "aGk=", "!"]),
    F.TYPE_DOUBLE: st.floats() | st.sampled_from([0, 1, 500]),
    F.TYPE_INT32: st.integers(-(2**31), 2**31 - 1) | st.integers(-1, 100),
    F.TYPE_INT64: st.integers(-1, 100),
    F.TYPE_STRING: TEXTS,
}
NAMES = {"projects": "p", "locations": "us-central1", "queues": "q", "tasks": "t", "operations": "o"}
PARAMETERS = [
    "updateMask",
    "readMask",
    "filter",
    "pageSize",
    "pageToken",
    "responseView",
    "appId",
    "fields",
    "alt",
    "x",
]


@cache
def members(descriptor: Any) -> Any:
    """The fields of a message in JSON, most of them as they should be."""
    fields = {field.json_name: values(field) for field in descriptor.fields}
    return st.fixed_dictionaries({}, optional=fields) | st.dictionaries(st.sampled_from([*fields, "x"]), ANYTHING)


def values(field: Any) -> Any:
    held = field.message_type
    if held is None:
        one = st.sampled_from(list(field.enum_type.values_by_name)) if field.enum_type else SCALARS[field.type]
    elif held.GetOptions().map_entry:
        return st.dictionaries(TEXTS, TEXTS, max_size=3)
    elif held.full_name.startswith("google.protobuf."):
        one = TEXTS
    else:
        one = st.deferred(lambda: members(held))
    return (st.lists(one, max_size=3) if field.is_repeated else one) | LEAVES


def paths(rule: HttpRule) -> Any:
    """Paths of a call; half of them name what there is."""
    word = ""
    right, any_ = [], []
    for segment in rule.path.replace("{", "/").replace("}", "").split("/"):
        name = segment.partition("=")[2] or segment.partition(":")[0]
        if name == "*" or segment.startswith("task_id"):
            known = NAMES.get(word, "t")
            verb = "".join(segment.partition(":")[1:])
            some = st.just(known) | st.sampled_from(["new", "*", "%2F", "%ff", "a" * 600]) | TEXTS.map(quote)
            right.append(st.just(known + verb))
            any_.append(st.tuples(some, st.just(verb)).map("".join))
        elif name:
            word = name
            right.append(st.just(segment.partition("=")[2] or segment))
            any_.append(right[-1])
    return (st.tuples(*right) | st.tuples(*any_)).map(lambda chosen: "/" + "/".join(chosen))


@st.composite
def requests(draw: Any, row: Rpc[Any, Any]) -> tuple[str, str, bytes]:
    rule = draw(st.sampled_from(row.bindings))
    path = draw(paths(rule))
    query = draw(st.just([]) | st.lists(st.tuples(st.sampled_from(PARAMETERS), TEXTS), max_size=2))
    target = path + "?" + "&".join(f"{key}={quote(value)}" for key, value in query)
    if rule.body is None:
        return rule.verb, target, draw(st.binary(max_size=10))
    descriptor = row.request_pb.DESCRIPTOR
    if rule.body != "*":
        descriptor = descriptor.fields_by_name[rule.body].message_type
    body = draw(members(descriptor) | ANYTHING)
    return rule.verb, target, draw(st.just(json.dumps(body).encode()) | st.binary(max_size=20))


async def check(verb: str, target: str, body: bytes) -> None:
    store = MemoryStore()
    engine = still_engine(store)
    target_of_queue = HttpTarget(uri_override=UriOverride(host="example.com"))
    await engine.queues.create(Queue(name=QueueName(QUEUE), http_target=target_of_queue))
    app = rest_of(engine)
    task = {"name": TASK, "scheduleTime": LATER, "httpRequest": {"url": "https://example.com"}}
    assert (await call(app, "POST", f"/v2/{QUEUE}/tasks", {"task": task})).http_status == 200
    before = store._connection.serialize("main")
    headers = {"content-type": "application/json"}
    answer = await asyncio.wait_for(call(app, verb, target, body, headers=headers), 60)
    status, value = said(answer)
    if status == 200:
        assert "error" not in value or "done" in value  # an operation may hold one
    else:
        assert 400 <= status < 500, value
        assert value["error"]["code"] == status
        assert value["error"]["message"]
        assert store._connection.serialize("main") == before
    await store.close()


@pytest.mark.parametrize("row", ROWS)
@settings(max_examples=15)
@given(data=st.data())
def test_anything_sent_is_answered_clearly_and_changes_nothing_unless_it_succeeds(
    row: Rpc[Any, Any], data: st.DataObject
) -> None:
    asyncio.run(check(*data.draw(requests(row))))
