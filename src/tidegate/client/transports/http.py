"""What the two REST transports share: a request as an HTTP call, an answer as a message, an error as an exception.

The call is made as other generated clients make it, byte for byte; google-api-core does the paths.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar

import grpc
from google.api_core import exceptions, path_template, rest_helpers
from google.api_core.gapic_v1.client_info import ClientInfo
from google.protobuf import json_format
from google.protobuf.empty_pb2 import Empty

from tidegate.client.calls import Headers
from tidegate.client.environment import ENDPOINT
from tidegate.client.transports.base import DEFAULT_CLIENT_INFO, Rows, Transport
from tidegate.schema.rpc import Rpc, raw
from tidegate.schema.transcoding import read_response

INT_ENUMS = "json;enum-encoding=int"


@dataclass(frozen=True, slots=True)
class RestRequest:
    """An HTTP call to make. ``verb`` is in small letters, as requests has it."""

    verb: str
    path: str
    query: list[tuple[str, str]]
    body: str | None


class Interceptor:
    """Sees, and may change, what goes over REST; subclasses override what they need.

    For each RPC there are ``pre_create_task(request, metadata)``, which returns both, ``post_create_task(response)``,
    which returns the response, and ``post_create_task_with_metadata(response, metadata)``, which runs after it and
    returns both. RPCs that answer nothing have only the first, those for operations and locations the first two.
    """

    rows: ClassVar[Rows] = ()

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for row in vars(cls).get("rows", ()):
            if not has_rest(row):
                continue
            setattr(cls, f"pre_{row.name}", _unchanged_pair("request"))
            if not row.answers_nothing:
                setattr(cls, f"post_{row.name}", _unchanged)
                if not is_mixin(row):
                    setattr(cls, f"post_{row.name}_with_metadata", _unchanged_pair("response"))


def _unchanged(self: Any, response: Any) -> Any:  # noqa: ARG001
    return response


def _unchanged_pair(what: str) -> Callable[..., Any]:
    def request_hook(self: Any, request: Any, metadata: Headers) -> Any:  # noqa: ARG001
        return request, metadata

    def response_hook(self: Any, response: Any, metadata: Headers) -> Any:  # noqa: ARG001
        return response, metadata

    return request_hook if what == "request" else response_hook


class RestBase(Transport):
    """A REST transport before it can send."""

    _interceptor: Any

    def __init__(
        self,
        *,
        host: str = ENDPOINT,
        client_info: ClientInfo | None = DEFAULT_CLIENT_INFO,
        url_scheme: str = "https",
        **options: Any,
    ) -> None:
        if not re.match("https?://", host):
            host = f"{url_scheme}://{host}"
        super().__init__(host=host, client_info=client_info, **options)


def has_rest(row: Rpc[Any, Any]) -> bool:
    """Whether clients can call it over REST; what takes a raw file they cannot."""
    return row.http is not None and (bool(row.http.variables) or row.service.startswith("tidegate."))


def is_mixin(row: Rpc[Any, Any]) -> bool:
    """Whether it is shared with other Google APIs: locations and operations."""
    return not row.service.startswith("google.cloud.tasks.")


class Exchange:
    """One RPC as HTTP, both ways."""

    def __init__(self, row: Rpc[Any, Any], interceptor: Any) -> None:
        self._row = row
        self._is_raw = raw(row.request) is row.request
        self._int_enums = not is_mixin(row)
        self._options = [
            {"method": rule.verb.lower(), "uri": rule.path, **({"body": rule.body} if rule.body else {})}
            for rule in row.bindings
        ]
        self._before = getattr(interceptor, f"pre_{row.name}")
        self._after = getattr(interceptor, f"post_{row.name}", None)
        self._after_with_metadata = getattr(interceptor, f"post_{row.name}_with_metadata", None)

    def write(self, request: Any, metadata: Headers) -> tuple[RestRequest, dict[str, Any]]:
        """The call to make, and its headers.

        Raises:
            ValueError: a name does not fit the path.
        """
        if not self._is_raw and isinstance(request, self._row.request_pb):
            request = self._row.request.wrap(request)  # interceptors see messages
        request, metadata = self._before(request, metadata)
        message = request if self._is_raw else self._row.request.pb(request)
        call = path_template.transcode(self._options, message)
        body = call.get("body")
        written = None if body is None else self._json(body)
        query = json.loads(self._json(call["query_params"]))
        if self._int_enums:
            query["$alt"] = INT_ENUMS
        pairs = rest_helpers.flatten_query_params(query, strict=True)
        return RestRequest(call["method"], call["uri"], pairs, written), {
            **dict(metadata),
            "Content-Type": "application/json",
        }

    def read(self, content: bytes, headers: Any) -> Any:
        """The answer as what the method returns."""
        if self._row.response is Empty:
            return None
        message = read_response(self._row, content)
        answer = message if raw(self._row.response) is self._row.response else self._row.response.wrap(message)
        if self._after is not None:
            answer = self._after(answer)
        if self._after_with_metadata is not None:
            answer, _ = self._after_with_metadata(answer, [(name, str(value)) for name, value in headers.items()])
        return answer

    def _json(self, message: Any) -> str:
        text: str = json_format.MessageToJson(message, use_integers_for_enums=self._int_enums)
        return text


def refined(error: exceptions.GoogleAPICallError, payload: Any) -> exceptions.GoogleAPICallError:
    """The same error in the class that gRPC would raise, where that is a subclass of what HTTP's number says."""
    status = payload.get("error", {}).get("status") if isinstance(payload, dict) else None
    code = grpc.StatusCode.__members__.get(status) if isinstance(status, str) else None
    if code is None:
        return error
    kind = exceptions.exception_class_for_grpc_status(code)
    if kind is type(error) or not issubclass(kind, type(error)):
        return error
    better: exceptions.GoogleAPICallError = kind(
        error.message,
        errors=error.errors,
        details=error.details,
        response=error.response,
        error_info=error._error_info,  # noqa: SLF001  # reason, domain and metadata come from it
    )
    return better


def is_error(status: int) -> bool:
    return status >= HTTPStatus.BAD_REQUEST
