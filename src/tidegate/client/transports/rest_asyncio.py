"""REST for asyncio: the blocking transport, its calls made in threads.

So both send the same bytes, refresh credentials in the same way and raise the same errors. There can be as many calls
at once as threads; for more, use gRPC.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

from google.api_core import exceptions
from google.longrunning.operations_proto_pb2 import GetOperationRequest
from google.longrunning.operations_proto_pb2 import Operation as OperationMessage
from requests.adapters import HTTPAdapter

from tidegate.client.calls import AsyncCall, Headers, Send
from tidegate.client.transports.rest import DEFAULT_CLIENT_INFO, RestTransport, operation_row
from tidegate.schema.rpc import Rpc

__all__ = ["DEFAULT_CLIENT_INFO", "RestAsyncIOTransport"]

CALLS_AT_ONCE = 64


class RestAsyncIOTransport(RestTransport):
    """REST, with asyncio. A call that is cancelled is still made; nobody waits for its answer."""

    _call_type = AsyncCall
    _call_options: ClassVar[dict[str, str]] = {"kind": "rest_asyncio"}

    @functools.cached_property
    def _threads(self) -> ThreadPoolExecutor:
        adapter = HTTPAdapter(pool_maxsize=CALLS_AT_ONCE)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        return ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="tidegate-rest")

    @property
    def kind(self) -> str:
        return "rest_asyncio"

    @property
    def operations_client(self) -> Any:
        """What asks for the later states of an operation."""
        return _AsyncOperations(self)

    def operations(self) -> Any:
        return self.operations_client

    async def close(self) -> None:  # type: ignore[override]
        self._session.close()
        self._threads.shutdown(wait=False)

    def _make_sender(self, row: Rpc[Any, Any]) -> Send:
        blocking = super()._make_sender(row)
        if row.streams:
            return self._streaming(blocking)

        async def send(
            request: Any,
            *,
            retry: Any = None,  # noqa: ARG001  # as without asyncio
            timeout: float | None = None,
            metadata: Headers = (),
        ) -> Any:
            call = functools.partial(blocking, request, timeout=timeout, metadata=metadata)
            return await asyncio.get_running_loop().run_in_executor(self._threads, call)

        return send

    def _streaming(self, blocking: Send) -> Send:
        def send(request: Any, *, timeout: float | None = None, metadata: Headers = ()) -> AsyncIterator[Any]:
            return self._stream(functools.partial(blocking, request, timeout=timeout, metadata=metadata))

        return send

    async def _stream(self, begin: Callable[[], Iterator[Any]]) -> AsyncIterator[Any]:
        """The responses of a stream, each awaited in a thread."""
        loop = asyncio.get_running_loop()
        responses = await loop.run_in_executor(self._threads, begin)
        end = object()
        while (response := await loop.run_in_executor(self._threads, next, responses, end)) is not end:
            yield response


class _AsyncOperations:
    """Later states of an operation."""

    def __init__(self, transport: RestAsyncIOTransport) -> None:
        self._transport = transport

    async def get_operation(self, name: str, retry: Any = None) -> OperationMessage:
        call = self._transport.call(operation_row(self._transport))
        request = GetOperationRequest(name=name)
        answer: OperationMessage = await call(request, retry=retry, timeout=10.0, metadata=call.headers(request, ()))
        return answer

    async def cancel_operation(self, name: str) -> None:
        raise exceptions.MethodNotImplemented(f"operations such as {name} cannot be cancelled")
