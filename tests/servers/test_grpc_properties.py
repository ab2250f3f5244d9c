"""Whatever is sent to whichever gRPC method: a clear answer, and nothing changed unless the answer is OK.

``EXAMPLES`` says how many requests of each sort every method gets.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor as F
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.schema.random_messages import any_message
from tests.servers.api import LOCATION, NOON, QUEUE, TASK, still_engine
from tests.servers.driving import framed, request

from tidegate.api.rpcs import Api
from tidegate.core.errors import Code
from tidegate.schema.reflection import PATHS, REQUEST
from tidegate.schema.versions import all_rows
from tidegate.servers.asgi import App
from tidegate.servers.grpc import GrpcMethod
from tidegate.servers.reflection import reflection_mounts
from tidegate.storage.sqlite import MemoryStore
from tidegate.storage.sqlite.tables import SqliteTables
from tidegate.storage.transaction import StoreTransaction

EXAMPLES = int(os.environ.get("EXAMPLES", "25"))
PATIENCE = 60.0  # seconds for one call, which takes some milliseconds

PULL = f"{LOCATION}/queues/pull"
LEASED = f"{PULL}/tasks/leased"
OPERATION = f"{LOCATION}/operations/o"
CMEK = f"{LOCATION}/cmekConfig"
LEASED_UNTIL = Timestamp(seconds=int(NOON.timestamp()) + 60, nanos=NOON.microsecond * 1000)
BETA2, V2 = "/google.cloud.tasks.v2beta2.CloudTasks", "/google.cloud.tasks.v2.CloudTasks"


def application(store: MemoryStore) -> App:
    """Everything that answers gRPC: the API, the health service and reflection."""
    app = App()
    methods = Api(still_engine(store)).grpc().items()
    app.serve({path: GrpcMethod(each.request, each.answer) for path, each in methods}, reflection_mounts())
    return app


METHODS = {path: method.request for path, method in application(MemoryStore())._grpc.methods.items()}
REQUESTS = METHODS | dict.fromkeys(PATHS, REQUEST)
ROUTED = {row.grpc_path: row.http for row in all_rows() if row.grpc and row.http and row.http.variables}
"""Where in a request the name is that its path over REST would hold."""


# What there is when the request comes


@cache
def world() -> bytes:
    """A store with queues of both kinds, tasks, a lease, an operation, a policy, a key and a tombstone."""
    task = {"http_request": {"url": "https://example.com"}, "schedule_time": LEASED_UNTIL}
    pulled = {"pull_message": {"payload": b"hi"}}
    push = {"name": QUEUE, "http_target": {"uri_override": {"host": "example.com"}}}
    key = {"name": CMEK, "kms_key": "projects/k/locations/us-central1/keyRings/r/cryptoKeys/k"}
    batch = [{"parent": QUEUE, "task": task}]
    calls: list[tuple[str, dict[str, Any]]] = [
        (f"{BETA2}/CreateQueue", {"parent": LOCATION, "queue": push}),
        (f"{BETA2}/CreateQueue", {"parent": LOCATION, "queue": {"name": PULL, "pull_target": {}}}),
        (f"{BETA2}/CreateTask", {"parent": QUEUE, "task": {"name": TASK, **task}}),
        (f"{BETA2}/CreateTask", {"parent": QUEUE, "task": {"name": f"{QUEUE}/tasks/gone", **task}}),
        (f"{BETA2}/DeleteTask", {"name": f"{QUEUE}/tasks/gone"}),
        (f"{BETA2}/CreateTask", {"parent": PULL, "task": {"name": LEASED, **pulled}}),
        (f"{BETA2}/LeaseTasks", {"parent": PULL, "lease_duration": {"seconds": 60}}),
        (f"{BETA2}/CreateTask", {"parent": PULL, "task": {"name": f"{PULL}/tasks/waiting", **pulled}}),
        (f"{BETA2}/SetIamPolicy", {"resource": QUEUE, "policy": {}}),
        (f"{V2}/BatchCreateTasks", {"parent": QUEUE, "requests": batch, "request_id": "o"}),
        (f"{V2}/UpdateCmekConfig", {"cmek_config": key}),
    ]
    store = MemoryStore()
    app = application(store)

    async def make() -> None:
        for path, fields in calls:
            answer = await request(app, path, [framed(METHODS[path](**fields).SerializeToString())])
            assert answer.status == 0, (path, answer.text)

    asyncio.run(make())
    return held(store)


def a_copy() -> MemoryStore:
    store = MemoryStore()
    store._connection.deserialize("main", world())
    store._transaction = StoreTransaction(SqliteTables(store._connection))  # it counts on from the last task there is
    return store


def held(store: MemoryStore) -> bytes:
    """The whole state of a store."""
    return bytes(store._connection.serialize("main"))


def changed(store: MemoryStore) -> bool:
    return held(store) != world()


# What every answer must be


@contextmanager
def complaints() -> Iterator[list[str]]:
    """What is logged meanwhile as an error, or with a traceback."""
    found: list[str] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info or record.levelno >= logging.ERROR:
                found.append(self.format(record))

    listener = Listener()
    logging.getLogger().addHandler(listener)
    try:
        yield found
    finally:
        logging.getLogger().removeHandler(listener)


def check(path: str, payload: bytes) -> None:
    store = a_copy()
    with complaints() as said:
        asyncio.run(ask(store, path, payload))
    assert said == []


async def ask(store: MemoryStore, path: str, payload: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        answer = await request(application(store), path, [framed(payload)])
        assert answer.http_status == 200
        assert answer.status not in {Code.INTERNAL, Code.UNKNOWN}, answer.text
        if answer.status != Code.OK:
            assert answer.text
            assert not changed(store)
        if begun := asyncio.all_tasks() - {asyncio.current_task()}:  # an attempt, when the call was RunTask
            await asyncio.wait(begun)
    await store.close()


def test_what_is_asked_changes_nothing_and_what_is_done_is_seen() -> None:
    store = a_copy()
    app = application(store)

    def changing(path: str, name: str) -> bool:
        answer = asyncio.run(request(app, path, [framed(METHODS[path](name=name).SerializeToString())]))
        assert answer.status == 0, answer.text
        return changed(store)

    assert not changing(f"{BETA2}/GetQueue", PULL)
    assert not changing(f"{BETA2}/GetTask", LEASED)
    assert not changing(f"{V2}/GetCmekConfig", CMEK)
    assert not changing("/google.longrunning.Operations/GetOperation", OPERATION)
    assert changing(f"{BETA2}/DeleteTask", TASK)


# What is sent


def near(name: str, dice: random.Random) -> str:
    """A name with something wrong in it."""
    at = dice.randint(0, len(name))
    there = dice.choice(["", "/", "*", "é", "\0", "..", "%2F", "A_", "x" * 600])
    return name[:at] + there + name[at + dice.randint(0, 3) :]


FITTING: dict[str, list[str]] = {
    "projects/*": ["projects/p"],
    "projects/*/locations/*": [LOCATION],
    "projects/*/locations/*/queues/*": [QUEUE, PULL, f"{LOCATION}/queues/new"],
    "projects/*/locations/*/queues/*/tasks/*": [TASK, LEASED, f"{PULL}/tasks/waiting", f"{QUEUE}/tasks/gone"],
    "projects/*/locations/*/operations/*": [OPERATION],
    "projects/*/locations/*/cmekConfig": [CMEK],
}
NEW = {"Queue": [f"{LOCATION}/queues/new", QUEUE, PULL], "Task": ["", "", f"{QUEUE}/tasks/new", f"{PULL}/tasks/new"]}
TEXTS = {
    "url": ["https://example.com/a?b=c", "http://h:1/"],
    "filter": ["", "state: RUNNING", 'tag="x"', "tag_function=oldest_tag()"],
    "parent": FITTING["projects/*/locations/*/queues/*"],
    "names": FITTING["projects/*/locations/*/queues/*/tasks/*"],
    "paths": ["retry_config", "rate_limits.max_burst_size", "http_target", "name", "*", "kms_key", "stats"],
    "relative_uri": ["/", "/a?b"],
    "app_id": ["p"],
    "permissions": ["cloudtasks.queues.get"],
    "kms_key": ["projects/k/locations/us-central1/keyRings/r/cryptoKeys/k", ""],
    "request_id": ["", "mine", "o"],
}
SECONDS = {"task_ttl": 864_000, "tombstone_ttl": 3600}
WANTED = {"app_id", "http_body", "lease_duration", "name", "names", "queue", "requests", "schedule_time", "task", "url"}
"""Fields that most requests need."""
FILES = [b"queue:\n- name: mail\n  rate: 5/s\n", b"queue:\n- name: q\n  mode: pull\n", b"- &a [*a, *a]", b"queue: {"]
INT64 = (-(2**63), 2**63 - 1)


class Mending:
    """Makes a random message more nearly right: where the dice say so, a field gets a value that fits it.

    A field that is left alone may become worse yet: times no calendar has, names that are nearly names.
    """

    def __init__(self, dice: random.Random, wild: float) -> None:
        self._dice = dice
        self._wild = wild  # how often a field is not mended

    def request(self, path: str, message: Any) -> Any:
        self._message(message)
        if (rule := ROUTED.get(path)) is not None:
            (variable,) = rule.variables
            *parents, name = variable.split(".")
            holder = message
            for parent in parents:
                holder = getattr(holder, parent)
            pattern = rule.path.partition(variable + "=")[2].partition("}")[0]
            setattr(holder, name, self._name(NEW["Queue"] if parents == ["queue"] else FITTING[pattern]))
        return message

    def _is_wild(self) -> bool:
        return self._dice.random() < self._wild

    def _name(self, fitting: list[str]) -> str:
        name = self._dice.choice(fitting)
        return near(name, self._dice) if self._is_wild() else name

    def _message(self, message: Any) -> None:
        if message.DESCRIPTOR.name == "HttpBody" and not self._is_wild():
            message.data = self._dice.choice(FILES)
        self._complete(message)
        for field, value in message.ListFields():
            if field.message_type is not None:
                self._inside(field, value)
            elif field.is_repeated:
                value[:] = [self._leaf(message, field, each) for each in value]
            else:
                setattr(message, field.name, self._leaf(message, field, value))

    def _complete(self, message: Any) -> None:
        """Add what is wanted and not there."""
        missing = [field for field in message.DESCRIPTOR.fields if field.name in WANTED]
        missing += [oneof.fields[0] for oneof in message.DESCRIPTOR.oneofs if not message.WhichOneof(oneof.name)]
        for field in missing:
            if self._is_wild():
                continue
            if field.is_repeated:
                held = getattr(message, field.name)
                held.append("") if field.message_type is None else held.add()
            elif field.message_type is not None:
                getattr(message, field.name).SetInParent()
            elif field.type == F.TYPE_STRING:
                setattr(message, field.name, "x")  # and then mended

    def _inside(self, field: Any, value: Any) -> None:
        kind = field.message_type
        if kind.GetOptions().map_entry:
            return
        for each in value if field.is_repeated else [value]:
            if kind.full_name in {"google.protobuf.Timestamp", "google.protobuf.Duration"}:
                self._time(field, each)
            else:
                self._message(each)

    def _time(self, field: Any, message: Any) -> None:
        if self._is_wild():
            message.seconds = self._dice.choice([*INT64, 0, -1, 253402300800, self._dice.randint(*INT64)])
            message.nanos = self._dice.choice([0, -1, 2**31 - 1, -(2**31), 1_000_000_000])
        elif field.message_type.name == "Timestamp":
            message.CopyFrom(LEASED_UNTIL)
        else:
            message.seconds, message.nanos = SECONDS.get(field.name, 60), 0

    def _leaf(self, message: Any, field: Any, value: Any) -> Any:
        fitting = NEW.get(message.DESCRIPTOR.name) if field.name == "name" else TEXTS.get(field.name)
        if field.type == F.TYPE_STRING and fitting is not None:
            return self._name(fitting)
        if self._is_wild():
            return value
        if field.enum_type is not None:
            return self._dice.choice(list(field.enum_type.values_by_number))
        if field.type in {F.TYPE_INT32, F.TYPE_INT64, F.TYPE_DOUBLE}:
            return self._dice.choice([0, 1, 5])
        return "" if field.name == "page_token" else value


@st.composite
def messages(draw: Any, path: str) -> bytes:
    message = draw(any_message([REQUESTS[path]]))
    dice = random.Random(draw(st.integers(0, 2**32)))
    mended = Mending(dice, draw(st.sampled_from([0, 0.1, 0.5, 1]))).request(path, message)
    serialized: bytes = mended.SerializeToString()
    return serialized


@pytest.mark.parametrize("path", REQUESTS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_any_message_is_answered_clearly_and_changes_nothing_unless_the_answer_is_ok(
    path: str, data: st.DataObject
) -> None:
    check(path, data.draw(messages(path)))


@pytest.mark.parametrize("path", REQUESTS)
@settings(max_examples=EXAMPLES)
@given(payload=st.binary(max_size=60))
def test_any_bytes_are_answered_clearly_and_change_nothing_unless_the_answer_is_ok(path: str, payload: bytes) -> None:
    check(path, payload)
