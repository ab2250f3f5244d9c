"""One API version: its rows, its messages, its files."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from tests.client.faces.clients import client
from tests.client.faces.lazy_modules import lazy_module
from tests.client.faces.pagers import pagers
from tests.client.faces.rows import kinds
from tests.client.faces.transports import transports

from tidegate.schema.rpc import Rpc

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
GAPIC_VERSION = '''"""The version."""

from tidegate import __version__

__all__ = ["__version__"]
'''


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
        yield f"{here}/client.py", client(self, asynchronous=False)
        yield f"{here}/async_client.py", client(self, asynchronous=True)
        yield f"{here}/pagers.py", pagers(self)
        yield (
            f"{here}/transports/__init__.py",
            lazily(
                f'"""How calls of Cloud Tasks {self.version} travel."""',
                f"{self.package}.{here.replace('/', '.')}.transports",
                TRANSPORTS,
                submodules=tuple(name for name, _ in transports(self)),
            ),
        )
        for name, text in transports(self):
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


def same_as_v2(face: Face) -> str:
    names = [*CLIENTS, *face.messages]
    text = '"""The same names as ``tidegate.tasks_v2``, as ``google.cloud.tasks`` has those of ``tasks_v2``."""'
    return lazy_module(text, "tidegate.tasks", dict.fromkeys(names, face.package), ("gapic_version",), version=True)


def lazily(doc: str, package: str, names: dict[str, str], submodules: tuple[str, ...] = ()) -> str:
    return lazy_module(doc, package, {name: f"{package}.{module}" for name, module in names.items()}, submodules)
