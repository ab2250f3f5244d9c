"""What the two clients of the operator's API share: how they connect, and how they read streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

from tidegate.client.client import Answer, AsyncClient, Client, Pairs, SyncClient
from tidegate.client.client_type import ClientType
from tidegate.client.emulator import DEFAULT_ADDRESS, EmulatorAddress, emulator_host
from tidegate.schema.rpc import Rpc, raw

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

    from tidegate.client.transports.base import Transport


class OperatorBase(Client):
    """A connection to the operator's API of a server.

    Args:
        address: ``host:port``, or a URL; by default what CLOUD_TASKS_EMULATOR_HOST says, else ``localhost:8123``.
        credentials: of google-auth, for a server that checks who calls; they are sent over TLS only.
        transport: ``grpc`` (the default), ``rest``, or a transport that is already made.

    Every method takes, besides the fields of its request, ``request``, ``retry``, ``timeout`` and ``metadata``, and
    raises, as the methods of the Cloud Tasks client do. Methods that stream return an iterator of responses; closing
    the client, or the iterator, ends the stream.
    """

    _service = "Operator"
    _transports: ClassVar[str] = "tidegate.operator_v1.transports"

    def _connect(self, address: str | None, credentials: Any, transport: Any, label: str) -> None:
        self._universe_domain = self._DEFAULT_UNIVERSE
        if not isinstance(transport, str):
            self._transport = transport
            self._api_endpoint = transport.host
            return
        where = (
            EmulatorAddress.parse(address)
            if address is not None
            else emulator_host() or EmulatorAddress.parse(DEFAULT_ADDRESS)
        )
        kind: type[Transport] = cast("ClientType", type(self)).get_transport_class(label)
        self._api_endpoint = where.target
        self._transport = kind.plain(where) if credentials is None else kind(host=where.target, credentials=credentials)


class OperatorSync(OperatorBase, SyncClient):
    """The blocking client, before its methods."""

    def __init__(
        self,
        address: str | None = None,
        credentials: Credentials | None = None,
        *,
        transport: str | Transport = "grpc",
    ) -> None:
        self._connect(address, credentials, transport, str(transport))

    def _stream(
        self, row: Rpc[Any, Answer], request: Any, given: dict[str, Any], timeout: Any, metadata: Pairs
    ) -> Iterator[Answer]:
        call = self._transport.call(row)
        return _responses(call.stream(call.message(request, given), timeout, metadata), row)


class OperatorAsync(OperatorBase, AsyncClient):
    """The client whose methods are awaited, before its methods."""

    def __init__(
        self,
        address: str | None = None,
        credentials: Credentials | None = None,
        *,
        transport: str | Transport = "grpc",
    ) -> None:
        label = f"{transport}_asyncio" if transport in ("grpc", "rest") else str(transport)
        self._connect(address, credentials, transport, label)

    def _stream(
        self, row: Rpc[Any, Answer], request: Any, given: dict[str, Any], timeout: Any, metadata: Pairs
    ) -> AsyncIterator[Answer]:
        call = self._transport.call(row)
        return _async_responses(call.stream(call.message(request, given), timeout, metadata), row)


def _responses(stream: Any, row: Rpc[Any, Any]) -> Iterator[Any]:
    """The responses of a stream; empty ones only say that it is alive."""
    with _ended_with_api_errors(stream):
        for response in stream:
            if not _is_heartbeat(response, row):
                yield response


async def _async_responses(stream: Any, row: Rpc[Any, Any]) -> AsyncIterator[Any]:
    with _ended_with_api_errors(stream):
        async for response in stream:
            if not _is_heartbeat(response, row):
                yield response


@contextmanager
def _ended_with_api_errors(stream: Any) -> Iterator[None]:
    """End the stream when its reader is done. Its errors become those of google-api-core."""
    import grpc  # noqa: PLC0415 - a client that does not stream need not wait for it
    from google.api_core import exceptions  # noqa: PLC0415

    try:
        yield
    except grpc.RpcError as error:
        raise exceptions.from_grpc_error(error) from error
    finally:
        _end(stream)


def _is_heartbeat(response: Any, row: Rpc[Any, Any]) -> bool:
    message = response if raw(row.response) is row.response else row.response.pb(response)
    return not message.ByteSize()


def _end(stream: Any) -> None:
    end = getattr(stream, "cancel", None) or getattr(stream, "close", None)
    if end is not None:
        end()
