"""The source of the clients of a version, a method for each row."""

from __future__ import annotations

import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from tests.client.faces.rows import OPTIONS, an, documented, is_paged, wrapped

from tidegate.schema.rpc import Rpc

if TYPE_CHECKING:
    from tests.client.faces.face import Face

SHARED_DOCS = {
    "get_iam_policy": "Who may do what with a queue.",
    "set_iam_policy": "Another policy for a queue. The policy itself goes into ``request``.",
    "test_iam_permissions": "Which of some permissions the caller has on a queue.",
    "list_locations": "Where queues can be: one response, no pager.",
    "get_location": "One place where queues can be.",
    "get_operation": "The latest state of a batch, as it came.",
}
FIELD_DOCS = {
    "name": "The full name.",
    "resource": "The full name of the queue.",
    "permissions": "Such as ``cloudtasks.tasks.create``.",
    "queue": "The queue.",
    "task": "The task.",
    "lease_duration": "From now: a second to a week, in whole seconds.",
    "schedule_time": "The task's, as the lease answered it.",
}


def client(face: Face, *, asynchronous: bool) -> str:
    kind = "Async" if asynchronous else ""
    operation = "operation_async" if asynchronous else "operation"
    bases = ", ".join(
        ["AsyncClient" if asynchronous else "SyncClient", "Paths", *(["KeyPaths"] if face.has_keys else [])]
    )
    used = sorted({name for row in face.rows for name in names_in(face, row)})
    long_running = any(row.long_running for row in face.rows)
    pager_names = ", ".join(f"{row.rpc_name}{kind}Pager" for row in face.rows if is_paged(row))
    timed = any("timedelta" in field_type(row, field) for row in face.rows for field in row.fields)
    head = f'''
            """The {"asyncio " * asynchronous}client of Cloud Tasks {face.version}. Written by ``make faces``."""

            from __future__ import annotations

            from collections.abc import Sequence
            {"from datetime import datetime, timedelta" if timed else ""}
            from typing import TYPE_CHECKING, Any

            from google.cloud.location import locations_pb2
            from google.iam.v1 import iam_policy_pb2, policy_pb2
            {"from google.longrunning import operations_proto_pb2 as operations_pb2" if long_running else ""}
            {"from google.protobuf.duration_pb2 import Duration" if timed else ""}
            from google.protobuf.field_mask_pb2 import FieldMask
            {"from google.protobuf.timestamp_pb2 import Timestamp" if timed else ""}

            from tidegate.client.client import Client, {"AsyncClient" if asynchronous else "SyncClient"}
            from tidegate.client.defaults import DEFAULT
            from tidegate.client.paths import {"KeyPaths, " if face.has_keys else ""}Paths
            from {face.schema} import ({", ".join(sorted({*used, *service_names(face)}))})
            from {face.package}.services.cloud_tasks.pagers import {pager_names}

            if TYPE_CHECKING:
                {f"from google.api_core.{operation} import {kind}Operation" if long_running else ""}
                from tidegate.client.defaults import Optional{kind}Retry, Timeout

            __all__ = ["CloudTasks{kind}Client"]


            class CloudTasks{kind}Client({bases}):
                __doc__ = Client.__doc__

                _transports = "{face.package}.services.cloud_tasks.transports"
        '''
    methods = "\n".join(method(face, row, asynchronous=asynchronous) for row in face.rows)
    return textwrap.dedent(head).lstrip() + "\n" + textwrap.indent(methods, "    ")


def service_names(face: Face) -> list[str]:
    return sorted({face.services[row.service] for row in face.rows})


def names_in(face: Face, row: Rpc[Any, Any]) -> set[str]:
    """The messages of the version that a method's signature names."""
    names = {row.request.__name__, row.response.__name__}
    names |= {item.message_type.name for item in fields(row) if item.message_type}
    return {name for name in names if name in face.messages and not (is_paged(row) and name == row.response.__name__)}


def fields(row: Rpc[Any, Any]) -> list[Any]:
    by_name = row.request_pb.DESCRIPTOR.fields_by_name
    return [by_name[name] for name in row.fields]


def field_type(row: Rpc[Any, Any], name: str) -> str:
    item = row.request_pb.DESCRIPTOR.fields_by_name[name]
    if item.message_type is None:
        plain = "str"
    elif item.message_type.full_name == "google.protobuf.Duration":
        plain = "timedelta | Duration"
    elif item.message_type.full_name == "google.protobuf.Timestamp":
        plain = "datetime | Timestamp"
    else:
        plain = f"{item.message_type.name} | dict[str, Any]"
    return f"Sequence[{plain}] | None" if item.is_repeated else f"{plain} | None"


def type_name(face: Face, kind: type[Any]) -> str:
    if kind.__name__ in face.messages and kind is face.messages[kind.__name__]:
        return kind.__name__
    return f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"


def method(face: Face, row: Rpc[Any, Any], *, asynchronous: bool) -> str:
    kind = "Async" if asynchronous else ""
    arguments = [f"request: {type_name(face, row.request)} | dict[str, Any] | None = None,", "*,"]
    arguments += [f"{name}: {field_type(row, name)} = None," for name in row.fields]
    given = "{" + ", ".join(f'"{name}": {name}' for name in row.fields) + "}"
    rest = f"request, {given}, retry, timeout, metadata"
    attribute = f"{face.services[row.service]}.{row.name}"
    call = f"self._call({attribute}, {rest})"
    answer = type_name(face, row.response)
    if row.long_running:
        answer, call = f"{kind}Operation", f"self._operate({attribute}, {rest})"
    elif is_paged(row):
        answer = f"{row.rpc_name}{kind}Pager"
        call = f"self._list({answer}, {attribute}, {rest})"
    elif not row.service.startswith("google.cloud.tasks."):
        call = f"self._call_shared({attribute}, {rest})"
    if asynchronous:
        call = f"await {call}"
    if row.answers_nothing:
        answer = "None"
    else:
        call = f"return {call}"
    return "\n".join(
        [
            f"{'async ' if asynchronous else ''}def {row.name}(",
            "    self,",
            *(f"    {argument}" for argument in arguments),
            OPTIONS.format(retry=f"Optional{kind}Retry"),
            f") -> {answer}:",
            textwrap.indent(doc(face, row), "    "),
            f"    {call}",
            "",
        ]
    )


def doc(face: Face, row: Rpc[Any, Any]) -> str:
    says = SHARED_DOCS.get(row.name) or inspect.cleandoc(row.request.__doc__ or "")
    described = [(name, field_doc(face, row, name)) for name in row.fields]
    if row.long_running:
        says += "\n\nThe future's result is a " + row.long_running.response.__name__ + ", its metadata a "
        says += row.long_running.metadata.__name__ + "."
        if row.long_running.response.__name__ == "Empty":
            says = says.replace("The future's result is a Empty", "The future's result is Empty")
    if described:
        lines = [wrapped(f"{name}: {text}", "    ", "        ") for name, text in described]
        says += "\n\nArgs:\n" + "\n".join([f"    request: {an(row.request.__name__)}, in place of these.", *lines])
    return f'"""{says}"""' if "\n" not in says else f'"""{says}\n"""'


def field_doc(face: Face, row: Rpc[Any, Any], name: str) -> str:
    for version in (face.version, "v2"):
        text = documented(version).get((row.request.__name__, name))
        if text:
            return " ".join(text.split())
    return FIELD_DOCS[name] if name in FIELD_DOCS else name.replace("_", " ").capitalize() + "."
