"""One RPC of one transport, ready to be called: request, headers, defaults and errors, all from its row.

A call without a retry and without metadata, which is the most frequent one, goes straight to the transport. All others
go through google-api-core, which retries, keeps the deadline and merges headers.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import grpc
from google.api_core import exceptions, gapic_v1, retry, retry_async
from google.api_core.gapic_v1.client_info import ClientInfo
from google.protobuf.message import Message as RawMessage

from tidegate.client.defaults import DEFAULT
from tidegate.schema.declare import Message
from tidegate.schema.rpc import CallRetry, Rpc

_PLAIN = frozenset({str, dict, list, type(None)})  # values that the raw classes accept like proto-plus

NAMES_REMEMBERED = 256  # resources whose headers are kept; a program talks to a few queues

Headers = Sequence[tuple[str, str | bytes]]
Send = Callable[..., Any]
"""Sends a request: ``send(request, timeout=seconds, metadata=pairs)``.

When its attribute ``takes_raw`` is True it gets raw requests, which are faster to make. All others get messages,
because interceptors, mocks and foreign transports read them.
"""

BOTH = "If the `request` argument is set, then none of the individual field arguments should be set."


class ClientCall:
    """Calls an RPC. Called itself, it takes a request and all its headers, as pagers do."""

    _wrap: Callable[..., Any] = staticmethod(gapic_v1.method.wrap_method)
    _retry_type: type[Any] = retry.Retry

    def __init__(self, row: Rpc[Any, Any], send: Send, client_info: ClientInfo | None, **kind: str) -> None:
        self.row = row
        self._send = send
        self._client_info = client_info
        self._kind = kind
        self._request: type[Any] = row.request
        self._request_pb = row.request_pb
        self._is_raw = self._request_pb is row.request
        self._sends_raw = self._is_raw or getattr(send, "takes_raw", False) is True  # no mock's
        self._timeout = row.default.timeout
        self._retry = make_retry(self._retry_type, row.default.retry)
        self._routing_field = row.routing_field or ""
        self._routing: Any = attrgetter(self._routing_field) if self._routing_field else None
        self._agent = () if client_info is None else (client_info.to_grpc_metadata(),)
        self._is_bare = self._retry is None and self._routing is not None
        self._named = functools.lru_cache(NAMES_REMEMBERED)(self._headers_for)

    def message(self, request: Any, given: dict[str, Any]) -> Any:
        """The request to send, from one that was given or from the fields: a message, or raw where ``send`` takes that.

        Raises:
            ValueError: both were given.
        """
        if request is None:
            try:
                if not _PLAIN.issuperset(map(type, given.values())):
                    message = self._request_pb(**{name: _beneath(value) for name, value in given.items()})
                else:
                    message = self._request_pb(**given)  # for speed
            except (TypeError, ValueError):  # proto-plus understands more, such as text for bytes
                return self._filled(given)
            return message if self._sends_raw else self._request.wrap(message)
        if any(value is not None for value in given.values()):
            raise ValueError(BOTH)
        if isinstance(request, self._request):
            return request
        if not self._is_raw:
            return self._request(request)
        return self._request(**request) if isinstance(request, dict) else request

    def _filled(self, given: dict[str, Any]) -> Any:
        """A request with these fields set; what does not fit is refused in the words of the library."""
        message = self._request()
        for name, value in given.items():
            if self._is_raw and message.DESCRIPTOR.fields_by_name[name].is_repeated:
                getattr(message, name).extend(value or ())
            elif value is not None:
                setattr(message, name, value)
        return message

    def headers(self, message: Any, metadata: Headers) -> Headers:
        """The headers of a call: routing, client information, and those of the caller."""
        if self._routing is None:
            return (*metadata, *self._agent)
        is_raw = self._is_raw or isinstance(message, self._request_pb)
        own: Headers = self._named(self._routing(message if is_raw else self._request.pb(message)))
        return (*metadata, *own) if metadata else own

    def _headers_for(self, name: str) -> Headers:
        return (*self._agent, gapic_v1.routing_header.to_grpc_metadata(((self._routing_field, name),)))

    def _goes_straight(self, retry: Any, timeout: Any) -> bool:
        return retry is None and (timeout is None or isinstance(timeout, int | float))

    @functools.cached_property
    def _wrapped(self) -> Callable[..., Any]:
        wrapped: Callable[..., Any] = self._wrap(
            self._send,
            default_retry=self._retry,
            default_timeout=self._timeout,
            client_info=self._client_info,
            **self._kind,
        )
        return wrapped

    def __call__(self, request: Any, *, retry: Any = DEFAULT, timeout: Any = DEFAULT, metadata: Headers = ()) -> Any:
        options: dict[str, Any] = {"metadata": metadata}
        if retry is not DEFAULT:
            options["retry"] = retry
        if timeout is not DEFAULT:
            options["timeout"] = timeout
        return self._wrapped(request, **options)

    def _with_defaults(self, retry: Any, timeout: Any) -> tuple[Any, Any]:
        """Retry and timeout of a call, those of the row where its caller left them out."""
        if retry is DEFAULT or retry is gapic_v1.method.DEFAULT:
            retry = self._retry
        if timeout is DEFAULT or timeout is gapic_v1.method.DEFAULT:
            timeout = self._timeout
        return retry, timeout

    def start(self, message: Any, retry: Any, timeout: Any, metadata: Headers) -> tuple[Any, Headers]:
        """Call it. Returns the answer and the headers that were sent."""
        headers = self.headers(message, metadata)
        retry, timeout = self._with_defaults(retry, timeout)
        if metadata or not self._goes_straight(retry, timeout):
            return self(message, retry=retry, timeout=timeout, metadata=headers), headers
        try:
            return self._send(message, timeout=timeout, metadata=headers), headers
        except grpc.RpcError as error:
            raise exceptions.from_grpc_error(error) from error

    def stream(self, message: Any, timeout: Any, metadata: Headers) -> Any:
        """Call an RPC that streams. Returns what its transport gives, an iterator of responses."""
        _, timeout = self._with_defaults(None, timeout)
        return self._send(message, timeout=timeout, metadata=self.headers(message, metadata))

    def run(self, request: Any, given: dict[str, Any], retry: Any, timeout: Any, metadata: Headers) -> Any:
        """Make the request and call. Returns the answer."""
        message = self.message(request, given)
        if not self._is_bare or retry is not DEFAULT or timeout is not DEFAULT or metadata:
            return self.start(message, retry, timeout, metadata)[0]
        try:
            return self._send(message, timeout=self._timeout, metadata=self._named(self._routing(message)))
        except grpc.RpcError as error:
            raise exceptions.from_grpc_error(error) from error


class AsyncCall(ClientCall):
    """The same, to be awaited."""

    _wrap = staticmethod(gapic_v1.method_async.wrap_method)
    _retry_type = retry_async.AsyncRetry

    async def start_async(self, message: Any, retry: Any, timeout: Any, metadata: Headers) -> tuple[Any, Headers]:
        """Call it. Returns the answer and the headers that were sent."""
        headers = self.headers(message, metadata)
        retry, timeout = self._with_defaults(retry, timeout)
        if metadata or not self._goes_straight(retry, timeout):
            return await self(message, retry=retry, timeout=timeout, metadata=headers), headers
        try:
            return await self._send(message, timeout=timeout, metadata=headers), headers
        except grpc.RpcError as error:
            raise exceptions.from_grpc_error(error) from error


def _beneath(value: Any) -> Any:
    """The raw form of a message, and what has none. TypeError for what only proto-plus knows how to take."""
    if isinstance(value, Message):
        return type(value).pb(value)
    if type(value) in _PLAIN or isinstance(value, RawMessage):
        return value
    raise TypeError(value)


def make_retry(kind: type[Any], policy: CallRetry | None) -> Any:
    """A row's retry as one of google-api-core's; None for none."""
    if policy is None:
        return None
    errors = [exceptions.exception_class_for_grpc_status(grpc.StatusCode[code.name]) for code in policy.codes]
    return kind(
        initial=policy.initial,
        maximum=policy.maximum,
        multiplier=policy.multiplier,
        timeout=policy.deadline,
        predicate=retry.if_exception_type(*errors),
    )
