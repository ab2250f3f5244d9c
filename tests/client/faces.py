"""Writes the public faces, ``tidegate.tasks_v2`` and its siblings, from the rows: ``make faces``.

What a method takes and answers stands in ``tidegate.schema`` once. Here it becomes source text, so that editors,
type checkers and ``help()`` see true signatures and there is nothing to look up when a method is called.
"""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tidegate.schema.rpc import Rpc
from tidegate.schema.versions import VERSIONS

SOURCE = Path(__file__).parents[2] / "src/tidegate"
RUFF = Path(sys.executable).with_name("ruff")

TYPE_MODULES = {
    "v2": ("cloudtasks", "cmek_config", "queue", "target", "task"),
    "v2beta2": ("cloudtasks", "old_target", "queue", "target", "task"),
    "v2beta3": ("cloudtasks", "cmek_config", "queue", "target", "task"),
}
CLIENTS = {"CloudTasksClient": "client", "CloudTasksAsyncClient": "async_client"}
TRANSPORTS = {
    "CloudTasksTransport": "base",
    "CloudTasksGrpcTransport": "grpc",
    "CloudTasksGrpcAsyncIOTransport": "grpc_asyncio",
    "CloudTasksRestTransport": "rest",
    "CloudTasksRestInterceptor": "rest",
    "CloudTasksRestAsyncIOTransport": "rest_asyncio",
}
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
GAPIC_VERSION = '''"""The version."""

from tidegate import __version__

__all__ = ["__version__"]
'''
OPTIONS = """\
    retry: {retry} = DEFAULT,
    timeout: Timeout = DEFAULT,
    metadata: Sequence[tuple[str, str | bytes]] = (),
"""


def write() -> None:
    for path, text in faces():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def faces() -> Iterator[tuple[Path, str]]:
    """Every file, with what should stand in it."""
    from tests.client import operator_face  # noqa: PLC0415 - which is made of what is here

    for version, messages in VERSIONS.items():
        face = Face(version, messages)
        for name, text in face.files():
            yield SOURCE / f"tasks_{version}" / name, formatted(text)
    for name, text in operator_face.files():
        yield SOURCE / "operator_v1" / name, formatted(text)
    yield SOURCE / "tasks/__init__.py", formatted(same_as_v2(Face("v2", VERSIONS["v2"])))
    yield SOURCE / "tasks/gapic_version.py", formatted(GAPIC_VERSION)


@cache
def formatted(text: str) -> str:
    options = ["--config", str(SOURCE.parents[1] / "pyproject.toml"), "--stdin-filename", str(SOURCE / "face.py"), "-"]
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format"]):
        done = subprocess.run([RUFF, *command, *options], input=text, capture_output=True, text=True, check=True)
        text = done.stdout
    return text


class Face:
    """One API version: its rows, its messages, its files."""

    def __init__(self, version: str, messages: ModuleType) -> None:
        self.version = version
        self.package = f"tidegate.tasks_{version}"
        self.schema = f"tidegate.schema.{version}"
        self.rows: list[Rpc[Any, Any]] = [row for service in messages.SERVICES for row in service.rpcs if row.grpc]
        self.services = {service.name: service.__name__ for service in messages.SERVICES}
        self.has_keys = any(row.name == "get_cmek_config" for row in self.rows)
        only_rest = [row for service in messages.SERVICES for row in service.rpcs if not row.grpc]
        hidden = {kind for row in only_rest for kind in kinds(row)} - {kind for row in self.rows for kind in kinds(row)}
        named = {name: getattr(messages, name) for name in messages.__all__}
        self.messages = {
            name: kind
            for name, kind in named.items()
            if isinstance(kind, type) and kind not in hidden and kind not in messages.SERVICES
        }

    def files(self) -> Iterator[tuple[str, str]]:
        here = "services/cloud_tasks"
        yield "__init__.py", self.top()
        yield "gapic_version.py", GAPIC_VERSION
        yield "types/__init__.py", self.types()
        for module in TYPE_MODULES[self.version]:
            yield f"types/{module}.py", self.type_module(module)
        yield (
            "services/__init__.py",
            lazily(
                f'"""The service of Cloud Tasks {self.version}."""',
                f"{self.package}.services",
                {},
                submodules=("cloud_tasks",),
            ),
        )
        yield (
            f"{here}/__init__.py",
            lazily(
                f'"""The clients of Cloud Tasks {self.version}."""',
                f"{self.package}.services.cloud_tasks",
                CLIENTS,
                submodules=("async_client", "client", "pagers", "transports"),
            ),
        )
        yield f"{here}/client.py", self.client(asynchronous=False)
        yield f"{here}/async_client.py", self.client(asynchronous=True)
        yield f"{here}/pagers.py", self.pagers()
        yield (
            f"{here}/transports/__init__.py",
            lazily(
                f'"""How calls of Cloud Tasks {self.version} travel."""',
                f"{self.package}.{here.replace('/', '.')}.transports",
                TRANSPORTS,
                submodules=tuple(name for name, _ in self.transports()),
            ),
        )
        for name, text in self.transports():
            yield f"{here}/transports/{name}.py", text

    # What the package offers.

    def top(self) -> str:
        clients = f"{self.package}.services.cloud_tasks"
        origins = dict.fromkeys(CLIENTS, clients) | dict.fromkeys(self.messages, self.schema)
        text = f'''
            """Cloud Tasks {self.version}: what ``google.cloud.tasks_{self.version}`` offers, under the same names.

                from {self.package.split(".")[0]} import {self.package.split(".")[1]}

                client = {self.package.split(".")[1]}.CloudTasksClient()

            Everything is imported when it is first asked for.
            """
        '''
        return lazy_module(
            textwrap.dedent(text).strip(), self.package, origins, ("gapic_version", "services", "types"), version=True
        )

    def types(self) -> str:
        origins = dict.fromkeys(self.messages, self.schema)
        says = f'"""The messages and enums of {self.version}."""'
        return lazy_module(says, f"{self.package}.types", origins, TYPE_MODULES[self.version])

    def type_module(self, module: str) -> str:
        origin = f"{self.schema}.{module}"
        names = sorted(name for name, kind in self.messages.items() if kind.__module__ == origin)
        if not names:
            return '"""Nothing; there is a module of this name in Google\'s client."""\n\n__all__: list[str] = []\n'
        quoted = ", ".join(f'"{name}"' for name in names)
        says = '"""Messages and enums, part of ``types``."""'
        return f"{says}\n\nfrom {origin} import ({', '.join(names)})\n\n__all__ = [{quoted}]\n"

    # The clients.

    def client(self, *, asynchronous: bool) -> str:
        kind = "Async" if asynchronous else ""
        operation = "operation_async" if asynchronous else "operation"
        bases = ", ".join(
            ["AsyncClient" if asynchronous else "SyncClient", "Paths", *(["KeyPaths"] if self.has_keys else [])]
        )
        used = sorted({name for row in self.rows for name in self.names_in(row)})
        long_running = any(row.long_running for row in self.rows)
        pager_names = ", ".join(f"{row.rpc_name}{kind}Pager" for row in self.rows if is_paged(row))
        timed = any("timedelta" in self.field_type(row, field) for row in self.rows for field in row.fields)
        head = f'''
            """The {"asyncio " * asynchronous}client of Cloud Tasks {self.version}. Written by ``make faces``."""

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
            from tidegate.client.paths import {"KeyPaths, " if self.has_keys else ""}Paths
            from {self.schema} import ({", ".join(sorted({*used, *self.service_names()}))})
            from {self.package}.services.cloud_tasks.pagers import {pager_names}

            if TYPE_CHECKING:
                {f"from google.api_core.{operation} import {kind}Operation" if long_running else ""}
                from tidegate.client.defaults import Optional{kind}Retry, Timeout

            __all__ = ["CloudTasks{kind}Client"]


            class CloudTasks{kind}Client({bases}):
                __doc__ = Client.__doc__

                _transports = "{self.package}.services.cloud_tasks.transports"
        '''
        methods = "\n".join(self.method(row, asynchronous=asynchronous) for row in self.rows)
        return textwrap.dedent(head).lstrip() + "\n" + textwrap.indent(methods, "    ")

    def service_names(self) -> list[str]:
        return sorted({self.services[row.service] for row in self.rows})

    def names_in(self, row: Rpc[Any, Any]) -> set[str]:
        """The messages of the version that a method's signature names."""
        names = {row.request.__name__, row.response.__name__}
        names |= {item.message_type.name for item in self.fields(row) if item.message_type}
        return {
            name for name in names if name in self.messages and not (is_paged(row) and name == row.response.__name__)
        }

    def fields(self, row: Rpc[Any, Any]) -> list[Any]:
        by_name = row.request_pb.DESCRIPTOR.fields_by_name
        return [by_name[name] for name in row.fields]

    def field_type(self, row: Rpc[Any, Any], name: str) -> str:
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

    def type_name(self, kind: type[Any]) -> str:
        if kind.__name__ in self.messages and kind is self.messages[kind.__name__]:
            return kind.__name__
        return f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"

    def method(self, row: Rpc[Any, Any], *, asynchronous: bool) -> str:
        kind = "Async" if asynchronous else ""
        arguments = [f"request: {self.type_name(row.request)} | dict[str, Any] | None = None,", "*,"]
        arguments += [f"{name}: {self.field_type(row, name)} = None," for name in row.fields]
        given = "{" + ", ".join(f'"{name}": {name}' for name in row.fields) + "}"
        rest = f"request, {given}, retry, timeout, metadata"
        attribute = f"{self.services[row.service]}.{row.name}"
        call = f"self._call({attribute}, {rest})"
        answer = self.type_name(row.response)
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
                textwrap.indent(self.doc(row), "    "),
                f"    {call}",
                "",
            ]
        )

    def doc(self, row: Rpc[Any, Any]) -> str:
        says = SHARED_DOCS.get(row.name) or inspect.cleandoc(row.request.__doc__ or "")
        described = [(name, self.field_doc(row, name)) for name in row.fields]
        if row.long_running:
            says += "\n\nThe future's result is a " + row.long_running.response.__name__ + ", its metadata a "
            says += row.long_running.metadata.__name__ + "."
            if row.long_running.response.__name__ == "Empty":
                says = says.replace("The future's result is a Empty", "The future's result is Empty")
        if described:
            lines = [wrapped(f"{name}: {text}", "    ", "        ") for name, text in described]
            says += "\n\nArgs:\n" + "\n".join([f"    request: {an(row.request.__name__)}, in place of these.", *lines])
        return f'"""{says}"""' if "\n" not in says else f'"""{says}\n"""'

    def field_doc(self, row: Rpc[Any, Any], name: str) -> str:
        for version in (self.version, "v2"):
            text = documented(version).get((row.request.__name__, name))
            if text:
                return " ".join(text.split())
        return FIELD_DOCS[name] if name in FIELD_DOCS else name.replace("_", " ").capitalize() + "."

    # Pagers and transports.

    def pagers(self) -> str:
        paged = [row for row in self.rows if is_paged(row)]
        used = sorted({name for row in paged for name in (row.request.__name__, row.response.__name__, items(row)[1])})
        parts = [
            f'"""Lists of {self.version} that fetch their next page when it is needed. Written by ``make faces``."""',
            "",
            "from tidegate.client.pagers import AsyncPager, Pager",
            f"from {self.schema} import {', '.join(used)}",
        ]
        for row in paged:
            field, item = items(row)
            for kind in ("", "Async"):
                parts += [
                    "",
                    f"class {row.rpc_name}{kind}Pager({kind}Pager[{row.response.__name__}, {item}]):",
                    f'    """The {field} of all pages. Other attributes are those of the latest page.',
                    "",
                    f"    Iterate with {'``async for``' if kind else '``for``'}; over ``pages`` for whole responses.",
                    '    """',
                    "",
                    f"    _request_type = {row.request.__name__}",
                    f'    _items = "{field}"',
                    "",
                ]
        return "\n".join(parts)

    def transports(self) -> Iterator[tuple[str, str]]:
        here = f"{self.package}.services.cloud_tasks.transports"
        base = f"from {here}.base import CloudTasksTransport"
        yield (
            "base",
            f'''"""What the transports of {self.version} share."""

from tidegate.client.transports.base import DEFAULT_CLIENT_INFO, Transport
from {self.schema} import SERVICES

__all__ = ["DEFAULT_CLIENT_INFO", "CloudTasksTransport"]


class CloudTasksTransport(Transport):
    """Sends the requests of {self.version}."""

    rows = tuple(row for service in SERVICES for row in service.rpcs if row.grpc)
''',
        )
        yield (
            "grpc",
            f'''"""gRPC."""

from tidegate.client.transports.grpc import GrpcTransport
{base}

__all__ = ["CloudTasksGrpcTransport"]


class CloudTasksGrpcTransport(GrpcTransport, CloudTasksTransport):
    """Sends the requests of {self.version} over gRPC."""
''',
        )
        yield (
            "grpc_asyncio",
            f'''"""gRPC with asyncio."""

from tidegate.client.transports.grpc_asyncio import GrpcAsyncIOTransport
{base}

__all__ = ["CloudTasksGrpcAsyncIOTransport"]


class CloudTasksGrpcAsyncIOTransport(GrpcAsyncIOTransport, CloudTasksTransport):
    """Sends the requests of {self.version} over gRPC, with asyncio."""
''',
        )
        yield (
            "rest_base",
            f'''"""What the REST transports of {self.version} share."""

from tidegate.client.transports.http import Interceptor
{base}

__all__ = ["CloudTasksRestInterceptor"]


class CloudTasksRestInterceptor(Interceptor):
    """Sees, and may change, what goes over REST."""

    rows = CloudTasksTransport.rows
''',
        )
        for kind, words in (("", ""), ("AsyncIO", ", with asyncio")):
            module = "rest_asyncio" if kind else "rest"
            listed = ", ".join(sorted([f'"CloudTasksRest{kind}Transport"', '"CloudTasksRestInterceptor"']))
            yield (
                module,
                f'''"""REST{" with asyncio" if kind else ""}."""

from tidegate.client.transports.{module} import DEFAULT_CLIENT_INFO, Rest{kind}Transport
{base}
from {here}.rest_base import CloudTasksRestInterceptor

__all__ = ["DEFAULT_CLIENT_INFO", {listed}]


class CloudTasksRest{kind}Transport(Rest{kind}Transport, CloudTasksTransport):
    """Sends the requests of {self.version} over REST{words}."""

    _interceptor_type = CloudTasksRestInterceptor
''',
            )


def same_as_v2(face: Face) -> str:
    names = [*CLIENTS, *face.messages]
    text = '"""The same names as ``tidegate.tasks_v2``, as ``google.cloud.tasks`` has those of ``tasks_v2``."""'
    return lazy_module(text, "tidegate.tasks", dict.fromkeys(names, face.package), ("gapic_version",), version=True)


def lazily(doc: str, package: str, names: dict[str, str], submodules: tuple[str, ...] = ()) -> str:
    return lazy_module(doc, package, {name: f"{package}.{module}" for name, module in names.items()}, submodules)


def lazy_module(
    doc: str, package: str, origins: dict[str, str], submodules: tuple[str, ...], *, version: bool = False
) -> str:
    """A module whose names are imported when first asked for, and all known to a type checker."""
    by_origin: dict[str, list[str]] = {}
    for name, origin in origins.items():
        by_origin.setdefault(origin, []).append(name)
    home = {name: f"{package}.{name}" for name in submodules}
    listed = sorted([*origins, *(["__version__"] if version else [])])
    imports = [f"    from {origin} import ({', '.join(sorted(names))})" for origin, names in by_origin.items()]
    imports += [f"    from {path.rpartition('.')[0]} import {name} as {name}" for name, path in home.items()]
    entries = [f'            "{name}": "{origin}",' for name, origin in sorted(origins.items())]
    entries += [f'            "{name}": "{origin}",' for name, origin in home.items()]
    return "\n".join(
        [
            doc,
            "",
            "from typing import TYPE_CHECKING",
            "",
            *(["from tidegate import __version__"] if version else []),
            "from tidegate.client.lazy import exports",
            "",
            "if TYPE_CHECKING:",
            *imports,
            "else:",
            "    __getattr__, __dir__ = exports(",
            "        __name__,",
            "        {",
            *entries,
            "        },",
            "    )",
            "",
            f"__all__{'' if listed else ': list[str]'} = [" + ", ".join('"' + name + '"' for name in listed) + "]",
            "",
        ]
    )


def an(name: str) -> str:
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"


def kinds(row: Rpc[Any, Any]) -> set[type[Any]]:
    """The messages of an RPC."""
    long_running = (row.long_running.response, row.long_running.metadata) if row.long_running else ()
    return {row.request, row.response, *long_running}


def is_paged(row: Rpc[Any, Any]) -> bool:
    return (
        row.service.startswith("google.cloud.tasks.") and "next_page_token" in row.response_pb.DESCRIPTOR.fields_by_name
    )


def items(row: Rpc[Any, Any]) -> tuple[str, str]:
    """The field of a page that holds its items, and what they are."""
    (field,) = [item for item in row.response_pb.DESCRIPTOR.fields if item.is_repeated]
    return field.name, field.message_type.name


@cache
def documented(version: str) -> dict[tuple[str, str], str]:
    """What the source of a version says below each field of its requests."""
    found = {}
    tree = ast.parse((SOURCE / f"schema/{version}/cloudtasks.py").read_text())
    for kind in tree.body:
        if not isinstance(kind, ast.ClassDef):
            continue
        for field, below in zip(kind.body, kind.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr) and isinstance(field.target, ast.Name):
                found[kind.name, field.target.id] = str(ast.literal_eval(below.value))
    return found


def wrapped(text: str, first: str, rest: str) -> str:
    return textwrap.fill(text, 100, initial_indent=first, subsequent_indent=rest, break_long_words=False)


if __name__ == "__main__":
    write()
