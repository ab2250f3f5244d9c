"""The API as servers see it: for each row of the schema a callable from request to response.

    api = Api(engine)
    response = await api.method(row)(request)

Like the servers, this is a loop over the rows.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple, TypeAlias

from google.longrunning import operations_proto_pb2

from tidegate.api.dialect import Dialect
from tidegate.api.door import FREE, Door, Inner, May
from tidegate.api.handlers import (
    batches,
    buffer,
    keys,
    leases,
    locations,
    operations,
    policies,
    queues,
    tasks,
    upload,
)
from tidegate.api.v2 import V2
from tidegate.api.v2beta2 import V2beta2
from tidegate.api.v2beta3 import V2beta3
from tidegate.core.access import ANYONE, Principal
from tidegate.core.errors import PermissionDenied
from tidegate.core.names import DEFAULT_LOCATION, PROJECT, SHAPES
from tidegate.core.resource_gate import ResourceGate
from tidegate.engine.engine import Engine
from tidegate.schema.limits import SMALL, size_of
from tidegate.schema.mixins import OPERATIONS
from tidegate.schema.rpc import Rpc

Handler: TypeAlias = Callable[[Engine, Dialect, Any, Any], Awaitable[Any]]
"""Engine, dialect, request, and the name by which the call is routed, which has passed the gate."""

Answer: TypeAlias = Callable[..., Awaitable[Any]]
"""Takes a raw request and the call (its headers, its caller); awaited, it returns the raw response."""

BytesAnswer: TypeAlias = Callable[..., Awaitable[Any]]
"""The same, but the calls that are made most may return the serialised message."""

HANDLERS: Mapping[str, Handler] = {
    "list_queues": queues.list_queues,
    "get_queue": queues.get_queue,
    "delete_queue": queues.delete_queue,
    "purge_queue": queues.purge_queue,
    "pause_queue": queues.pause_queue,
    "resume_queue": queues.resume_queue,
    "get_iam_policy": policies.get_iam_policy,
    "set_iam_policy": policies.set_iam_policy,
    "list_tasks": tasks.list_tasks,
    "get_task": tasks.get_task,
    "create_task": tasks.create_task,
    "delete_task": tasks.delete_task,
    "run_task": tasks.run_task,
    "lease_tasks": leases.lease_tasks,
    "acknowledge_task": leases.acknowledge_task,
    "renew_lease": leases.renew_lease,
    "cancel_lease": leases.cancel_lease,
    "batch_create_tasks": batches.batch_create_tasks,
    "batch_delete_tasks": batches.batch_delete_tasks,
    "get_cmek_config": keys.get_cmek_config,
    "update_cmek_config": keys.update_cmek_config,
    "list_locations": locations.list_locations,
    "get_location": locations.get_location,
    "get_operation": operations.get_operation,
}

CALL_HANDLERS: Mapping[str, Callable[[Engine, Dialect, Any, Any, Any], Awaitable[Any]]] = {
    "buffer_task": buffer.buffer_task,
}
"""Handlers that also read the call's headers."""

ASKING_HANDLERS: Mapping[str, Callable[[Engine, Dialect, Any, Any, May], Awaitable[Any]]] = {
    "create_queue": queues.create_queue,
    "update_queue": queues.update_queue,
    "test_iam_permissions": policies.test_iam_permissions,
}
"""Handlers that ask what the caller may."""

DIALECTS: Sequence[Dialect] = (V2(), V2beta3(), V2beta2())

NOT_FOR_CALLERS = ("ListOperations", "WaitOperation", "CancelOperation", "DeleteOperation")
"""Methods of the operations service that the real service has and nobody may call."""

_VARIABLE = re.compile(r"\{([^=}]+)=([^}]+)\}")


class AnsweredRpc(NamedTuple):
    """What the gRPC server needs to serve an RPC: the class of its request, what answers it, the most bytes of a
    request, and whether the answer must be sent however many bytes are in flight.
    """

    request: Any
    answer: BytesAnswer
    most: int
    insists: bool = False


class Api:
    """Every RPC of every version over one engine. A row of the schema without a handler fails when this is made.

    ``location`` is the ID of the location to whose queues an uploaded queue.yaml applies. Without a ``door`` nobody is
    asked who they are.
    """

    def __init__(
        self,
        engine: Engine,
        dialects: Sequence[Dialect] = DIALECTS,
        *,
        location: str = DEFAULT_LOCATION,
        door: Door | None = None,
    ) -> None:
        handlers: Mapping[str, Handler] = {**HANDLERS, "upload_queue_yaml": partial(upload.upload_queue_yaml, location)}
        self._rows = [
            (row, _answer(engine, dialect, row, handlers, door))
            for dialect in dialects
            for service in dialect.services
            for row in service.rpcs
        ]
        self._answers = dict(self._rows)
        self._below = partial(_below, engine, dialects, handlers)
        self._door = door

    def method(self, row: Rpc[Any, Any]) -> Answer:
        """What answers an RPC. It returns a message, never bytes."""
        return _with_message(self._answers[row], row.response_pb)

    def below(self, row: Rpc[Any, Any]) -> Answer:
        """The same below the door: for what the server asks itself while it answers a call that has passed."""
        return _with_message(self._below(row), row.response_pb)

    def entrance(self, row: Rpc[Any, Any]) -> Callable[[Any, Any], Awaitable[None]]:
        """Awaited with a request and its call, it raises unless the caller may make this call."""
        routing, gate = _routing(row)
        enter = None if self._door is None else self._door.entrance(row)

        async def pass_door(request: Any, call: Any) -> None:
            name = gate(routing(request))
            if enter is not None:
                await enter(request, name, call)

        return pass_door

    def grpc(self) -> dict[str, AnsweredRpc]:
        """The methods by their gRPC paths. A service that the versions share has one path."""
        methods = {
            f"/{OPERATIONS}/{name}": AnsweredRpc(
                getattr(operations_proto_pb2, f"{name}Request"), _not_for_callers, SMALL
            )
            for name in NOT_FOR_CALLERS
        }
        for row, answer in self._rows:
            if row.grpc:
                methods.setdefault(row.grpc_path, AnsweredRpc(row.request_pb, answer, size_of(row.name), insists(row)))
        return methods


def insists(row: Rpc[Any, Any]) -> bool:
    """Whether the answer of an RPC must be sent whatever it costs, because it reports a change that was made. Answers
    of reads can be refused, and those of leases too, since a lease runs out.
    """
    reads = row.http is not None and row.http.verb == "GET"
    return not reads and not row.name.startswith(("get_", "list_", "lease_"))


def _with_message(answer: BytesAnswer, response: Any) -> Answer:
    async def answer_with_message(request: Any, call: Any = None) -> Any:
        answered = await answer(request, call)
        return response.FromString(answered) if isinstance(answered, bytes) else answered

    return answer_with_message


def _answer(
    engine: Engine, dialect: Dialect, row: Rpc[Any, Any], handlers: Mapping[str, Handler], door: Door | None
) -> BytesAnswer:
    routing, gate = _routing(row)
    inner = _inner(engine, dialect, row, handlers, door)
    if door is not None:
        return door.method(row, lambda request: gate(routing(request)), inner)
    if row.name in CALL_HANDLERS or row.name in ASKING_HANDLERS:

        def answer_call(request: Any, call: Any = None) -> Awaitable[Any]:
            return inner(request, gate(routing(request)), call, ANYONE)

        return answer_call
    handler = handlers[row.name]

    def answer(request: Any, call: Any = None) -> Awaitable[Any]:  # noqa: ARG001 - what servers hand over
        return handler(engine, dialect, request, gate(routing(request)))

    return answer


def _below(
    engine: Engine, dialects: Sequence[Dialect], handlers: Mapping[str, Handler], row: Rpc[Any, Any]
) -> BytesAnswer:
    dialect = next(each for each in dialects if any(row in service.rpcs for service in each.services))
    return _answer(engine, dialect, row, handlers, None)


def _inner(
    engine: Engine, dialect: Dialect, row: Rpc[Any, Any], handlers: Mapping[str, Handler], door: Door | None
) -> Inner:
    """The handler of a row, called behind the door."""
    if row.name in ASKING_HANDLERS:
        ask = ASKING_HANDLERS[row.name]

        def asking(request: Any, name: Any, _call: Any, principal: Principal) -> Awaitable[Any]:
            return ask(engine, dialect, request, name, FREE if door is None else May(door, principal))

        return asking
    if row.name in CALL_HANDLERS:
        look = CALL_HANDLERS[row.name]

        def looking(request: Any, name: Any, call: Any, _principal: Principal) -> Awaitable[Any]:
            return look(engine, dialect, request, name, call)

        return looking
    handler = handlers[row.name]

    def plain(request: Any, name: Any, _call: Any, _principal: Principal) -> Awaitable[Any]:
        return handler(engine, dialect, request, name)

    return plain


def _routing(row: Rpc[Any, Any]) -> tuple[Callable[[Any], str], Callable[[str], Any]]:
    """What finds the name in a request by which its call is routed, and the gate that the name must pass."""
    variable = None if row.http is None else _VARIABLE.search(row.http.path)
    if variable is None:  # UploadQueueYaml: no name is in its path
        return upload.project_of, ResourceGate(row.full_name, row.permission, PROJECT)
    return attrgetter(variable[1]), ResourceGate(row.full_name, row.permission, SHAPES[variable[2]])


async def _not_for_callers(request: Any, call: Any = None) -> Any:  # noqa: ARG001 - what servers hand over
    raise PermissionDenied(
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other "
        "form of API consumer identity to call this API."
    )
