"""Writes ``tidegate.operator_v1``, the clients of the operator's API, from its rows; a part of ``make faces``."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.client.faces.lazy_modules import lazy_module
from tests.client.faces.rows import OPTIONS, SOURCE, an, wrapped

from tidegate.schema import operator
from tidegate.schema.declare import Enum, Message
from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc

PACKAGE = "tidegate.operator_v1"
SCHEMA = "tidegate.schema.operator"
BETA3 = "tidegate.schema.v2beta3"
KINDS = {
    name: kind
    for name in operator.__all__
    if isinstance(kind := getattr(operator, name), type) and issubclass(kind, Message | Enum)
}
QUOTES = '"""'
LABELS = {"Grpc": "grpc", "GrpcAsyncIO": "grpc_asyncio", "Rest": "rest", "RestAsyncIO": "rest_asyncio"}
SPANS = {"google.protobuf.Duration": "timedelta | Duration", "google.protobuf.Timestamp": "datetime | Timestamp"}


def files() -> Iterator[tuple[str, str]]:
    """Each file, and what should stand in it, not yet formatted."""
    origins = {"OperatorClient": f"{PACKAGE}.client", "OperatorAsyncClient": f"{PACKAGE}.async_client"}
    origins |= dict.fromkeys(KINDS, SCHEMA)
    says = '"""The clients of the operator\'s API and their messages, imported when they are asked for."""'
    yield "__init__.py", lazy_module(says, PACKAGE, origins, (), version=True)
    yield "client.py", client(asynchronous=False)
    yield "async_client.py", client(asynchronous=True)
    yield "pagers.py", pagers()
    yield "transports.py", transports()


def client(*, asynchronous: bool) -> str:
    kind = "Async" if asynchronous else ""
    used = {name for row in Operator.rpcs for name in names_in(row)}
    paged = ", ".join(f"{row.rpc_name}{kind}Pager" for row in Operator.rpcs if is_paged(row))
    head = f"""
        {QUOTES}The {"asyncio " * asynchronous}client of the operator's API. Written by ``make faces``.{QUOTES}

        from __future__ import annotations

        from collections.abc import {"AsyncIterator" if asynchronous else "Iterator"}, Sequence
        from datetime import timedelta
        from typing import TYPE_CHECKING, Any

        from google.longrunning import operations_proto_pb2
        from google.protobuf.duration_pb2 import Duration
        from google.protobuf.field_mask_pb2 import FieldMask

        from tidegate.client.defaults import DEFAULT
        from tidegate.client.operator import Operator{kind or "Sync"}, OperatorBase
        from tidegate.client.paths import Paths
        from {PACKAGE}.pagers import {paged}
        from {SCHEMA} import ({", ".join(sorted({*used, "Operator"}))})
        from {BETA3} import RetryConfig

        if TYPE_CHECKING:
            from google.api_core.operation{"_async" if asynchronous else ""} import {kind}Operation

            from tidegate.client.defaults import Optional{kind}Retry, Timeout

        __all__ = ["Operator{kind}Client"]


        class Operator{kind}Client(Operator{kind or "Sync"}, Paths):
            __doc__ = OperatorBase.__doc__
    """
    methods = "\n".join(method(row, asynchronous=asynchronous) for row in Operator.rpcs)
    return textwrap.dedent(head).lstrip() + "\n" + textwrap.indent(methods, "    ")


def method(row: Rpc[Any, Any], *, asynchronous: bool) -> str:
    kind = "Async" if asynchronous else ""
    arguments = [f"request: {named(row.request)} | dict[str, Any] | None = None,", "*,"]
    arguments += [f"{name}: {field_type(row, name)} = None," for name in row.fields]
    given = "{" + ", ".join(f'"{name}": {name}' for name in row.fields) + "}"
    rest = f"Operator.{row.name}, request, {given}"
    options = OPTIONS.format(retry=f"Optional{kind}Retry")
    waits = "async " if asynchronous else ""
    if row.streams:
        waits, options = "", "".join(line for line in options.splitlines(keepends=True) if "retry" not in line)
        answer = f"{kind}Iterator[{row.response.__name__}]"
        body = f"return self._stream({rest}, timeout, metadata)"
    else:
        answer, call = named(row.response), f"self._call({rest}, retry, timeout, metadata)"
        if row.long_running:
            answer, call = f"{kind}Operation", f"self._operate({rest}, retry, timeout, metadata)"
        elif is_paged(row):
            answer = f"{row.rpc_name}{kind}Pager"
            call = f"self._list({answer}, {rest}, retry, timeout, metadata)"
        call = f"await {call}" if asynchronous else call
        answer = "None" if row.answers_nothing else answer
        body = call if row.answers_nothing else f"return {call}"
    return "\n".join(
        [
            f"{waits}def {row.name}(",
            "    self,",
            *(f"    {argument}" for argument in arguments),
            options + f") -> {answer}:",
            textwrap.indent(doc(row), "    "),
            f"    {body}",
            "",
        ]
    )


def doc(row: Rpc[Any, Any]) -> str:
    says = inspect.cleandoc(row.request.__doc__ or "") if row.request in KINDS.values() else OF_OPERATIONS[row.name]
    if row.fields:
        lines = [wrapped(f"{name}: {field_doc(row, name)}", "    ", "        ") for name in row.fields]
        says += "\n\nArgs:\n" + "\n".join([f"    request: {an(row.request.__name__)}, in place of these.", *lines])
    return f'"""{says}"""' if "\n" not in says else f'"""{says}\n"""'


OF_OPERATIONS = {
    "list_operations": "Lists the operations of a location, one page.",
    "get_operation": "Reads the latest state of an operation.",
    "cancel_operation": "Cancels an operation. What it has done stays done.",
}


def field_doc(row: Rpc[Any, Any], name: str) -> str:
    text = documented().get((row.request.__name__, name))
    if text is not None:
        return " ".join(text.split())
    return {"name": "The full name.", "parent": "The full name of what holds them."}.get(
        name, name.replace("_", " ").capitalize() + "."
    )


def field_type(row: Rpc[Any, Any], name: str) -> str:
    field = row.request_pb.DESCRIPTOR.fields_by_name[name]
    if field.enum_type is not None:
        outer = field.enum_type.containing_type
        plain = field.enum_type.name if outer is None else f"{outer.name}.{field.enum_type.name}"
    elif field.message_type is None:
        plain = "str"
    else:
        message = field.message_type
        plain = SPANS.get(message.full_name) or f"{message.name} | dict[str, Any]"
    return f"Sequence[{plain}] | None" if field.is_repeated else f"{plain} | None"


def named(kind: type[Any]) -> str:
    return kind.__name__ if kind in KINDS.values() else f"operations_proto_pb2.{kind.__name__}"


def names_in(row: Rpc[Any, Any]) -> set[str]:
    """The messages and enums of the API that a method's signature names."""
    fields = [row.request_pb.DESCRIPTOR.fields_by_name[name] for name in row.fields]
    names = {row.request.__name__} | {field.message_type.name for field in fields if field.message_type}
    for field in fields:
        if field.enum_type is not None:
            outer = field.enum_type.containing_type
            names.add(field.enum_type.name if outer is None else outer.name)
    if not is_paged(row):
        names.add(row.response.__name__)
    return names & set(KINDS)


def is_paged(row: Rpc[Any, Any]) -> bool:
    fields = row.response_pb.DESCRIPTOR.fields_by_name
    return row.response in KINDS.values() and "next_page_token" in fields and len(repeated(row)) == 1


def repeated(row: Rpc[Any, Any]) -> list[Any]:
    return [field for field in row.response_pb.DESCRIPTOR.fields if field.is_repeated]


def pagers() -> str:
    paged = [row for row in Operator.rpcs if is_paged(row)]
    own: set[str] = set()
    beta3: set[str] = set()
    classes = []
    for row in paged:
        (field,) = repeated(row)
        item = field.message_type
        own |= {row.request.__name__, row.response.__name__}
        (beta3 if item.file.package == "tidegate.v2beta3" else own).add(item.name)
        for kind in ("", "Async"):
            classes += [
                "",
                f"class {row.rpc_name}{kind}Pager({kind}Pager[{row.response.__name__}, {item.name}]):",
                f'    """The {field.name} of all pages. Other attributes are those of the latest page."""',
                "",
                f"    _request_type = {row.request.__name__}",
                f'    _items = "{field.name}"',
                "",
            ]
    return "\n".join(
        [
            '"""Lists that fetch their next page when it is needed. Written by ``make faces``."""',
            "",
            "from tidegate.client.pagers import AsyncPager, Pager",
            f"from {SCHEMA} import {', '.join(sorted(own))}",
            f"from {BETA3} import {', '.join(sorted(beta3))}",
            *classes,
        ]
    )


def transports() -> str:
    """All transports in one module."""
    imports = "\n".join(
        f"from tidegate.client.transports.{module} import {name}Transport" for name, module in LABELS.items()
    )
    classes = "\n\n".join(
        f'class Operator{name}Transport({name}Transport, OperatorTransport):\n    """Sends requests: {module}."""\n'
        + ("\n    _interceptor_type = OperatorRestInterceptor\n" if "Rest" in name else "")
        for name, module in LABELS.items()
    )
    return f'''"""How calls of the operator\'s API travel. Written by ``make faces``."""

from tidegate.client.transports.base import Transport
{imports}
from tidegate.client.transports.http import Interceptor
from {SCHEMA} import Operator


class OperatorTransport(Transport):
    """What the transports share."""

    rows = Operator.rpcs


class OperatorRestInterceptor(Interceptor):
    """Sees, and may change, what goes over REST."""

    rows = Operator.rpcs


{classes}
'''


@cache
def documented() -> dict[tuple[str, str], str]:
    """What the source says below each field of each message."""
    said = {}
    for path in (SOURCE / "schema/operator").glob("*.py"):
        for kind in ast.parse(path.read_text()).body:
            if not isinstance(kind, ast.ClassDef):
                continue
            for field, below in zip(kind.body, kind.body[1:], strict=False):
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(below, ast.Expr)
                    and isinstance(field.target, ast.Name)
                ):
                    said[kind.name, field.target.id] = str(ast.literal_eval(below.value))
    return said
