"""One row for each RPC: everything that servers and clients need to know about it, said once.

    class CloudTasks(Service, name="google.cloud.tasks.v2.CloudTasks"):
        get_task = Rpc(
            GetTaskRequest,
            Task,
            get("/v2/{name=projects/*/locations/*/queues/*/tasks/*}"),
            fields=("name",),
            default=RETRIED,
            permission="cloudtasks.tasks.get",
        )

``CloudTasks.get_task`` is then typed by its request and response, and ``CloudTasks.rpcs`` holds the rows in order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

from google.protobuf.empty_pb2 import Empty

from tidegate.core.errors import Code

Request = TypeVar("Request")
Response = TypeVar("Response")
OtherRequest = TypeVar("OtherRequest")
OtherResponse = TypeVar("OtherResponse")

_VARIABLE = re.compile(r"\{([^=}]+)")


@dataclass(frozen=True, slots=True)
class HttpRule:
    """One REST form of an RPC, in the template language of ``google.api.http``.

    ``body`` is the request field that the JSON body fills, ``*`` for the request itself, None for no body. The fields
    that neither path nor body fill are query parameters. With ``any_verb`` every verb is served; ``verb`` is the
    published one. ``ignored`` are published query parameters that no request field stands for.
    """

    verb: str
    path: str
    body: str | None = None
    any_verb: bool = False
    ignored: tuple[str, ...] = ()

    def at(self, version: str) -> HttpRule:
        """The same form under another API version, the first segment of the path."""
        return replace(self, path="/" + version + self.path[self.path.index("/", 1) :])

    @property
    def variables(self) -> tuple[str, ...]:
        """The request fields that the path fills, such as ``("queue.name",)``."""
        return tuple(_VARIABLE.findall(self.path))


def get(path: str, *, ignored: tuple[str, ...] = ()) -> HttpRule:
    return HttpRule("GET", path, ignored=ignored)


def post(path: str, body: str = "*") -> HttpRule:
    return HttpRule("POST", path, body)


def patch(path: str, body: str) -> HttpRule:
    return HttpRule("PATCH", path, body)


def delete(path: str) -> HttpRule:
    return HttpRule("DELETE", path)


@dataclass(frozen=True, slots=True)
class CallRetry:
    """How a client repeats a failed call by itself. Seconds; ``deadline`` bounds all tries together."""

    initial: float
    maximum: float
    multiplier: float
    deadline: float
    codes: frozenset[Code]


@dataclass(frozen=True, slots=True)
class CallDefault:
    """What a client does unless its caller says otherwise: seconds for one try (None: no limit), and repeats."""

    timeout: float | None
    retry: CallRetry | None


RETRIED = CallDefault(20.0, CallRetry(0.1, 10.0, 1.3, 20.0, frozenset({Code.DEADLINE_EXCEEDED, Code.UNAVAILABLE})))
TIMED = CallDefault(20.0, None)  # a repeated CreateTask would make a second task
UNTIMED = CallDefault(None, None)


@dataclass(frozen=True, slots=True)
class LongRunning:
    """What the Operation that an RPC answers will hold."""

    response: type[Any]
    metadata: type[Any]


@dataclass(frozen=True, eq=False)
class Rpc(Generic[Request, Response]):
    """An RPC. ``request`` and ``response`` are proto-plus classes, or raw ones for the shared messages.

    ``http`` is its REST form, ``also`` holds further ones; None when it has none. ``grpc`` is False for what only REST
    serves. ``fields`` are the arguments a Python client takes in place of a request, in order. ``permission`` is the
    one the caller needs on the resource, ``more_permissions`` are needed besides. With ``streams`` the server answers
    with any number of responses, one after the other. A ``dev`` RPC is refused unless the server was started with
    ``dev``.
    """

    request: type[Request]
    response: type[Response]
    http: HttpRule | None = None
    also: tuple[HttpRule, ...] = ()
    fields: tuple[str, ...] = ()
    default: CallDefault = UNTIMED
    permission: str | None = None
    more_permissions: tuple[str, ...] = ()
    long_running: LongRunning | None = None
    grpc: bool = True
    streams: bool = False
    dev: bool = False
    name: str = ""  # create_task; given by the service, like the next
    service: str = ""  # google.cloud.tasks.v2.CloudTasks

    @cached_property
    def rpc_name(self) -> str:
        """``CreateTask``."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @cached_property
    def full_name(self) -> str:
        """``google.cloud.tasks.v2.CloudTasks.CreateTask``."""
        return f"{self.service}.{self.rpc_name}"

    @cached_property
    def grpc_path(self) -> str:
        """``/google.cloud.tasks.v2.CloudTasks/CreateTask``."""
        return f"/{self.service}/{self.rpc_name}"

    @cached_property
    def bindings(self) -> tuple[HttpRule, ...]:
        """Every REST form, the published one first."""
        return () if self.http is None else (self.http, *self.also)

    @cached_property
    def routing_field(self) -> str | None:
        """The request field that names the resource: ``parent``, ``queue.name`` …; None when nothing does."""
        return next(iter(self.http.variables), None) if self.http else None

    @cached_property
    def request_pb(self) -> type[Any]:
        """The raw protobuf class of the request, quicker than its wrapper."""
        return raw(self.request)

    @cached_property
    def response_pb(self) -> type[Any]:
        """The raw protobuf class of the response."""
        return raw(self.response)

    def at(
        self,
        version: str,
        request: type[OtherRequest],
        response: type[OtherResponse],
        *,
        default: CallDefault | None = None,
        long_running: LongRunning | None = None,
        grpc: bool = True,
    ) -> Rpc[OtherRequest, OtherResponse]:
        """The same RPC in another API version, with that version's messages and otherwise unchanged."""
        return Rpc(
            request,
            response,
            self.http and self.http.at(version),
            also=tuple(rule.at(version) for rule in self.also),
            fields=self.fields,
            default=default or self.default,
            permission=self.permission,
            more_permissions=self.more_permissions,
            long_running=long_running,
            grpc=grpc and self.grpc,
        )

    @property
    def answers_nothing(self) -> bool:
        """True when the response is Empty, which a Python client shows as None."""
        return self.response is Empty


class Service:
    """A gRPC service: a named list of rows. Subclasses declare the rows as attributes."""

    name: ClassVar[str]
    rpcs: ClassVar[tuple[Rpc[Any, Any], ...]]

    def __init_subclass__(cls, *, name: str) -> None:
        cls.name = name
        for attribute, row in list(vars(cls).items()):
            if isinstance(row, Rpc):
                setattr(cls, attribute, replace(row, name=attribute, service=name))
        cls.rpcs = tuple(row for row in vars(cls).values() if isinstance(row, Rpc))


def raw(message: type[Any]) -> type[Any]:
    """The protobuf class beneath a proto-plus class; a protobuf class is its own."""
    if hasattr(message, "DESCRIPTOR"):
        return message
    beneath: type[Any] = message.pb()
    return beneath
