"""What a client package offers, found by looking at it: modules, names, signatures, path helpers, refusals.

python -m tests.client.surface google.cloud.tasks_v2
"""

from __future__ import annotations

import enum
import importlib
import inspect
import json
import os
import pkgutil
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from google.api_core.client_options import ClientOptions
from google.api_core.gapic_v1.client_info import ClientInfo
from google.auth.credentials import AnonymousCredentials

PROJECT_PATHS = [
    "",
    "nonsense",
    "projects/p",
    "projects/p/locations/l",
    "projects/p/locations/l/queues/q",
    "projects/p/locations/l/queues/q/tasks/t",
    "projects/p/locations/l/queues/q/tasks/t/more",
    "projects/p/locations/l/cmekConfig",
    "projects/p/locations/l/keyRings/r/cryptoKeys/k",
    "projects//locations/l/queues/q",
    "x/projects/p/locations/l/queues/q",
    "projects/p/locations/l/queues/q\n",
    "folders/f",
    "organizations/o",
    "billingAccounts/b",
]
SPECIAL = ("__init__", "__enter__", "__exit__", "__aenter__", "__aexit__", "__iter__", "__aiter__", "__repr__")
PART_OF_GOOGLE = ("_compat",)  # modules that no user imports


def describe(package: str) -> dict[str, Any]:
    modules = dict(walk(importlib.import_module(package)))
    return {
        "modules": {name: sorted(public(module, package)) for name, module in modules.items()},
        "classes": {
            f"{name}.{attribute}": members(kind)
            for name, module in modules.items()
            if not name.startswith("types")
            for attribute, kind in public(module, package).items()
            if isinstance(kind, type) and not issubclass(kind, enum.Enum) and not hasattr(kind, "pb")
        },
        "paths": paths(modules[""]),
        "constants": constants(modules[""]),
        "refusals": refusals(modules[""], importlib.import_module(f"{package}.services.cloud_tasks.transports")),
    }


def walk(package: ModuleType) -> Iterator[tuple[str, ModuleType]]:
    yield "", package
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        name = found.name.removeprefix(package.__name__ + ".")
        if not name.startswith(PART_OF_GOOGLE):
            yield name, importlib.import_module(found.name)


def public(module: ModuleType, package: str) -> dict[str, Any]:
    """The names a module means to offer: what it lists, else the classes and functions that are its own."""
    if hasattr(module, "__all__"):
        return {name: getattr(module, name) for name in module.__all__ if not name.startswith("_")}
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith(package)
    }


def members(kind: type[Any]) -> dict[str, Any]:
    names = {name for name in dir(kind) if not name.startswith("_")}
    names |= {name for name in SPECIAL if hasattr(kind, name)}
    if hasattr(kind, "get_transport_class"):
        names.add("get_transport_class")
    return {name: member(kind, name) for name in sorted(names)}


def member(kind: type[Any], name: str) -> Any:
    value = getattr(kind, name)
    static = inspect.getattr_static(kind, name, value)
    if isinstance(static, property):
        return "property"
    if not callable(value):
        return repr(value)
    try:
        parameters = list(inspect.signature(value).parameters.values())
    except ValueError:
        return "callable"
    if parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    return {
        "parameters": [parameter(each) for each in parameters if not each.kind.name.startswith("VAR_")],
        "any": sorted({each.kind.name for each in parameters if each.kind.name.startswith("VAR_")}),
        "coroutine": inspect.iscoroutinefunction(value),
    }


def parameter(each: inspect.Parameter) -> list[str]:
    default = each.default
    if default is inspect.Parameter.empty:
        shown = "required"
    elif isinstance(default, ClientInfo | enum.Enum):
        shown = "the library's own"
    else:
        shown = repr(default)
    return [each.name, each.kind.name, shown]


def paths(package: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for client in (package.CloudTasksClient, package.CloudTasksAsyncClient):
        for name in sorted(each for each in dir(client) if each.endswith("_path")):
            helper = getattr(client, name)
            if name.startswith("parse_"):
                made[f"{client.__name__}.{name}"] = [helper(path) for path in PROJECT_PATHS]
            else:
                count = len(inspect.signature(helper).parameters)
                made[f"{client.__name__}.{name}"] = [helper(*"pqrs"[:count]), helper(*["a/b"] * count), outcome(helper)]
    return made


def constants(package: Any) -> dict[str, Any]:
    names = ("DEFAULT_ENDPOINT", "DEFAULT_MTLS_ENDPOINT", "_DEFAULT_ENDPOINT_TEMPLATE", "_DEFAULT_UNIVERSE")
    clients = (package.CloudTasksClient, package.CloudTasksAsyncClient)
    return {f"{client.__name__}.{name}": getattr(client, name) for client in clients for name in names}


def refusals(package: Any, transports: Any) -> dict[str, Any]:
    """What constructors answer to right and wrong ways of making a client."""
    anonymous = AnonymousCredentials()
    rest = transports.CloudTasksRestTransport(credentials=anonymous)
    client, asynchronous = package.CloudTasksClient, package.CloudTasksAsyncClient
    got: dict[str, Any] = {}

    def seen(**arguments: Any) -> Any:
        got.update(arguments)
        return transports.CloudTasksRestTransport(credentials=anonymous, host=arguments["host"])

    def ends(*, transport: Any = "rest", env: dict[str, str] | None = None, **options: Any) -> Any:
        os.environ.update(env or {})
        try:
            made = client(credentials=anonymous, transport=transport, client_options=options or None)
            return [made.api_endpoint, made.universe_domain, made.transport.kind, made.transport.host]
        finally:
            for name in env or {}:
                del os.environ[name]

    ways: dict[str, Callable[[], Any]] = {
        "positional": lambda: client(anonymous),
        "asynchronous, positional": lambda: asynchronous(anonymous),
        "key and credentials": lambda: client(credentials=anonymous, client_options={"api_key": "k"}),
        "instance and credentials": lambda: client(credentials=anonymous, transport=rest),
        "instance and key": lambda: client(transport=rest, client_options={"api_key": "k"}),
        "instance and file": lambda: client(transport=rest, client_options={"credentials_file": "f"}),
        "instance and scopes": lambda: client(transport=rest, client_options={"scopes": ["s"]}),
        "instance and endpoint": lambda: client(transport=rest, client_options={"api_endpoint": "x"}).api_endpoint,
        "unknown transport": lambda: client(credentials=anonymous, transport="smoke"),
        "unknown option": lambda: client(credentials=anonymous, client_options={"foo": 1}),
        "empty universe": lambda: ends(universe_domain=""),
        "universe": lambda: ends(universe_domain="example.com"),
        "universe by environment": lambda: ends(env={"GOOGLE_CLOUD_UNIVERSE_DOMAIN": "example.org"}),
        "endpoint": lambda: ends(api_endpoint="localhost:8123"),
        "endpoint with a scheme": lambda: ends(api_endpoint="http://localhost:8123"),
        "grpc endpoint": lambda: ends(transport="grpc", api_endpoint="localhost"),
        "defaults": lambda: ends(transport=None),
        "always mtls": lambda: ends(env={"GOOGLE_API_USE_MTLS_ENDPOINT": "always"}),
        "mtls elsewhere": lambda: ends(env={"GOOGLE_API_USE_MTLS_ENDPOINT": "always"}, universe_domain="example.com"),
        "mtls at times": lambda: ends(env={"GOOGLE_API_USE_MTLS_ENDPOINT": "sometimes"}),
        "certificate perhaps": lambda: ends(env={"GOOGLE_API_USE_CLIENT_CERTIFICATE": "perhaps"}),
        "mtls helper": client.get_mtls_endpoint_and_cert_source,
        "mtls helper, endpoint": lambda: client.get_mtls_endpoint_and_cert_source(ClientOptions(api_endpoint="x")),
        "callable": lambda: (client(transport=seen).api_endpoint, sorted(got)),
        "class by name": lambda: [client.get_transport_class(name).__name__ for name in (None, "grpc", "rest")],
        "asynchronous class": lambda: client.get_transport_class("grpc_asyncio").__name__,
        "no class": lambda: client.get_transport_class("smoke"),
        "two credentials": lambda: transports.CloudTasksGrpcTransport(credentials=anonymous, credentials_file="f"),
        "base transport": lambda: transports.CloudTasksTransport(credentials=anonymous).kind,
        "base call": lambda: transports.CloudTasksTransport(credentials=anonymous).create_task,
        "no credentials": client,
        "service account": lambda: client.from_service_account_info({"token_uri": "x"}),
        "missing file": lambda: client.from_service_account_file("/nowhere"),
    }
    return {name: outcome(way) for name, way in ways.items()}


def outcome(way: Callable[[], Any]) -> Any:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value: Any = way()
        except Exception as error:
            told = [type(error).__name__, plain(str(error))]
        else:
            told = ["", plain(repr(value))]
    return [*told, sorted({each.category.__name__ for each in caught if "Tasks" not in str(each.message)})]


def plain(text: str) -> str:
    """Without the classes that methods stand in, the packages, and addresses in memory."""
    text = re.sub(r"\b\w+\.(\w+\(\))", r"\1", text)
    return re.sub(r"(google\.cloud|tidegate)\.tasks_v\w+\.", "", re.sub(r" at 0x\w+", "", text))


if __name__ == "__main__":
    for variable in ("CLOUD_TASKS_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        os.environ.pop(variable, None)
    os.environ["NO_GCE_CHECK"] = "true"
    json.dump(describe(sys.argv[1]), sys.stdout)
