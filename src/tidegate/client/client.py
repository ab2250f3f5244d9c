"""What the clients of all API versions share: how they are made, and how their methods call."""

from __future__ import annotations

import functools
import importlib
import json
from collections.abc import Callable, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, cast

from tidegate.client.client_type import TRANSPORTS, WITH_ASYNCIO, ClientType
from tidegate.client.defaults import DEFAULT
from tidegate.schema.rpc import Rpc

if TYPE_CHECKING:
    from google.api_core.client_options import ClientOptions
    from google.api_core.operation import Operation
    from google.api_core.operation_async import AsyncOperation
    from google.auth.credentials import Credentials

    from tidegate.client.defaults import OptionalClientInfo
    from tidegate.client.transports.base import Transport
    from tidegate.operator_v1 import OperatorAsyncClient, OperatorClient

Answer = TypeVar("Answer")
SomePager = TypeVar("SomePager")
Pairs = Sequence[tuple[str, str | bytes]]

OWN_CREDENTIALS = "When providing a transport instance, provide its credentials directly."
OWN_SCOPES = "When providing a transport instance, provide its scopes directly."


class Client(metaclass=ClientType):
    """A connection to Cloud Tasks, or to a server that speaks the same API.

    Args:
        credentials: of google-auth; None takes those of the application.
        transport: ``grpc`` (the default), ``rest``, a transport, or a callable that makes one.
        client_options: ``api_endpoint``, ``api_key``, ``scopes``, ``quota_project_id`` and the other options of
            google-api-core, as ClientOptions or as a dict.
        client_info: what the client says of itself in its headers.

    With CLOUD_TASKS_EMULATOR_HOST in the environment the client talks to that address instead, in plain text and
    without credentials, unless it is given a transport that is already made.

    Every method takes, besides the fields of its request:
        request: the request as a message or a dict, in place of the fields.
        retry: a Retry of google-api-core, or None for none. By default reads and deletes are retried for 20 seconds
            while the server is unavailable.
        timeout: seconds for one try, or None for no limit; 20 by default.
        metadata: pairs to send as headers; the values of keys that end in ``-bin`` are bytes.
    and raises the exceptions of google.api_core.exceptions, such as NotFound; ValueError when it is given both a
    request and fields.
    """

    DEFAULT_ENDPOINT = "cloudtasks.googleapis.com"
    DEFAULT_MTLS_ENDPOINT = "cloudtasks.mtls.googleapis.com"
    _DEFAULT_ENDPOINT_TEMPLATE = "cloudtasks.{UNIVERSE_DOMAIN}"
    _DEFAULT_UNIVERSE = "googleapis.com"

    _transports: ClassVar[str]
    _transport: Transport

    def __init__(
        self,
        *,
        credentials: Credentials | None = None,
        transport: str | Transport | Callable[..., Any] | None = None,
        client_options: ClientOptions | dict[str, Any] | None = None,
        client_info: OptionalClientInfo = DEFAULT,
    ) -> None:
        self._open(credentials, transport, client_options, client_info)

    def _open(self, credentials: Any, transport: Any, client_options: Any, client_info: Any) -> None:
        # Imported here: together they take longer than everything else of the client.
        from tidegate.client.environment import Surroundings, emulator_host, read_options  # noqa: PLC0415
        from tidegate.client.transports.base import DEFAULT_CLIENT_INFO, Transport  # noqa: PLC0415

        options = read_options(client_options)
        surroundings = Surroundings(options)
        self._universe_domain = surroundings.universe
        if options.api_key and credentials:
            raise ValueError("client_options.api_key and credentials are mutually exclusive")
        if isinstance(transport, Transport):
            if credentials or options.credentials_file or options.api_key:
                raise ValueError(OWN_CREDENTIALS)
            if options.scopes:
                raise ValueError(OWN_SCOPES)
            self._transport = transport
            self._api_endpoint = transport.host or surroundings.endpoint()
            return
        info = DEFAULT_CLIENT_INFO if client_info is DEFAULT else client_info
        make = self._transport_class(transport) if transport is None or isinstance(transport, str) else transport
        emulator = emulator_host()
        if emulator is not None:
            kind, given = (make.func, make.keywords) if isinstance(make, functools.partial) else (make, {})
            if isinstance(kind, type) and issubclass(kind, Transport) and "channel" not in given:
                self._transport = kind.plain(emulator, **given | {"client_info": info})
                self._api_endpoint = emulator.target
                return
            from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415

            credentials, self._api_endpoint = AnonymousCredentials(), emulator.target
        else:
            self._api_endpoint = surroundings.endpoint()
            if options.api_key:
                from google.auth._default import get_api_key_credentials  # noqa: PLC0415

                credentials = get_api_key_credentials(options.api_key)
        self._transport = make(
            credentials=credentials,
            credentials_file=options.credentials_file,
            host=self._api_endpoint,
            scopes=options.scopes,
            client_cert_source_for_mtls=surroundings.certificate_source,
            quota_project_id=options.quota_project_id,
            client_info=info,
            always_use_jwt_access=True,
            api_audience=options.api_audience,
        )

    @classmethod
    def _transport_class(cls, label: str | None) -> type[Transport]:
        return cls.get_transport_class(label)

    @classmethod
    def from_service_account_info(cls, info: dict[str, Any], *args: Any, **kwargs: Any) -> Self:
        """A client for a service account, from the content of its key file; more arguments go to the constructor."""
        from google.oauth2.service_account import Credentials as ServiceAccount  # noqa: PLC0415

        return cls(*args, **kwargs | {"credentials": ServiceAccount.from_service_account_info(info)})

    @classmethod
    def from_service_account_file(cls, filename: str, *args: Any, **kwargs: Any) -> Self:
        """A client for a service account, from its key file; more arguments go to the constructor."""
        from google.oauth2.service_account import Credentials as ServiceAccount  # noqa: PLC0415

        return cls(*args, **kwargs | {"credentials": ServiceAccount.from_service_account_file(filename)})

    from_service_account_json = from_service_account_file

    @classmethod
    def get_mtls_endpoint_and_cert_source(
        cls, client_options: ClientOptions | None = None
    ) -> tuple[str, Callable[[], tuple[bytes, bytes]] | None]:
        """Deprecated. The endpoint, and what returns a client certificate and its key."""
        from tidegate.client.environment import mtls_endpoint_and_certificate  # noqa: PLC0415

        return mtls_endpoint_and_certificate(client_options)

    @property
    def transport(self) -> Transport:
        """What sends the calls; ``client.transport.close()`` ends it."""
        return self._transport

    @property
    def api_endpoint(self) -> str:
        """Where the client connects."""
        return self._api_endpoint

    @property
    def universe_domain(self) -> str:
        """The universe of the endpoint, normally ``googleapis.com``."""
        return self._universe_domain

    def _operator_transport(self) -> Transport:
        """A transport to the operator's API of the same server; over gRPC it shares the connection."""
        kinds: Any = importlib.import_module("tidegate.operator_v1.transports")
        kind = getattr(kinds, "Operator" + TRANSPORTS[self._transport.kind])
        channel = getattr(self._transport, "grpc_channel", None)
        given: dict[str, Any] = {"channel": channel}
        if channel is None:
            given = {"host": self._transport.host, "credentials": self._transport._credentials}  # noqa: SLF001
        made: Transport = kind(**given)
        return made

    def _explain(self, row: Rpc[Any, Any], error: Any) -> None:
        """Add to an error of a shared RPC who asked, as Google's clients do."""
        if row.service.startswith("google.cloud.tasks."):
            return
        if error.code not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            return
        who = getattr(self._transport._credentials, "get_cred_info", lambda: None)()  # noqa: SLF001
        if who and hasattr(error._details, "append"):  # noqa: SLF001
            error._details.append(json.dumps(who))  # noqa: SLF001


class SyncClient(Client):
    """A client whose methods return when the answer is there."""

    @functools.cached_property
    def operator(self) -> OperatorClient:
        """The operator's API of the same server, which Google does not have. Closed with this client."""
        kind: Any = importlib.import_module("tidegate.operator_v1").OperatorClient
        made: OperatorClient = kind(transport=self._operator_transport())
        return made

    @functools.cached_property
    def _runs(self) -> dict[Rpc[Any, Any], Callable[..., Any]]:
        return {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        type: type[BaseException] | None,  # noqa: A002  # the names of Google's client
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the transport, also one that other clients use."""
        self._transport.close()

    def _call(
        self, row: Rpc[Any, Answer], request: Any, given: dict[str, Any], retry: Any, timeout: Any, metadata: Pairs
    ) -> Answer:
        run = self._runs.get(row)
        if run is None:
            run = self._runs[row] = self._transport.call(row).run
        answer: Answer = run(request, given, retry, timeout, metadata)
        return answer

    def _call_shared(
        self, row: Rpc[Any, Answer], request: Any, given: dict[str, Any], retry: Any, timeout: Any, metadata: Pairs
    ) -> Answer:
        from google.api_core.exceptions import GoogleAPICallError  # noqa: PLC0415

        try:
            return self._call(row, request, given, retry, timeout, metadata)
        except GoogleAPICallError as error:
            self._explain(row, error)
            raise

    def _list(
        self,
        pager: Callable[..., SomePager],
        row: Rpc[Any, Any],
        request: Any,
        given: dict[str, Any],
        retry: Any,
        timeout: Any,
        metadata: Pairs,
    ) -> SomePager:
        call = self._transport.call(row)
        message = call.message(request, given)
        answer, headers = call.start(message, retry, timeout, metadata)
        return pager(call, message, answer, retry=retry, timeout=timeout, metadata=headers)

    def _operate(
        self, row: Rpc[Any, Any], request: Any, given: dict[str, Any], retry: Any, timeout: Any, metadata: Pairs
    ) -> Operation:
        from tidegate.client.operations import future  # noqa: PLC0415

        answer = self._call(row, request, given, retry, timeout, metadata)
        return cast("Operation", future(answer, row, self._transport.operations()))


class AsyncClient(Client):
    """A client whose methods are awaited."""

    def __init__(
        self,
        *,
        credentials: Credentials | None = None,
        transport: str | Transport | Callable[..., Any] | None = "grpc_asyncio",
        client_options: ClientOptions | dict[str, Any] | None = None,
        client_info: OptionalClientInfo = DEFAULT,
    ) -> None:
        self._open(credentials, transport, client_options, client_info)

    @classmethod
    def _transport_class(cls, label: str | None) -> type[Transport]:
        return cls.get_transport_class(WITH_ASYNCIO.get(label, label))

    @functools.cached_property
    def operator(self) -> OperatorAsyncClient:
        """The operator's API of the same server, which Google does not have. Closed with this client."""
        kind: Any = importlib.import_module("tidegate.operator_v1").OperatorAsyncClient
        made: OperatorAsyncClient = kind(transport=self._operator_transport())
        return made

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        """Close the transport, also one that other clients use."""
        await self._transport.close()

    async def _call(
        self, row: Rpc[Any, Answer], request: Any, given: dict[str, Any], retry: Any, timeout: Any, metadata: Pairs
    ) -> Answer:
        call = self._transport.call(row)
        answer: Answer = (await call.start_async(call.message(request, given), retry, timeout, metadata))[0]
        return answer

    async def _call_shared(
        self, row: Rpc[Any, Answer], request: Any, given: dict[str, Any], retry: Any, timeout: Any, metadata: Pairs
    ) -> Answer:
        from google.api_core.exceptions import GoogleAPICallError  # noqa: PLC0415

        try:
            return await self._call(row, request, given, retry, timeout, metadata)
        except GoogleAPICallError as error:
            self._explain(row, error)
            raise

    async def _list(
        self,
        pager: Callable[..., SomePager],
        row: Rpc[Any, Any],
        request: Any,
        given: dict[str, Any],
        retry: Any,
        timeout: Any,
        metadata: Pairs,
    ) -> SomePager:
        call = self._transport.call(row)
        message = call.message(request, given)
        answer, headers = await call.start_async(message, retry, timeout, metadata)
        return pager(call, message, answer, retry=retry, timeout=timeout, metadata=headers)

    async def _operate(
        self, row: Rpc[Any, Any], request: Any, given: dict[str, Any], retry: Any, timeout: Any, metadata: Pairs
    ) -> AsyncOperation:
        from tidegate.client.operations import async_future  # noqa: PLC0415

        answer = await self._call(row, request, given, retry, timeout, metadata)
        return cast("AsyncOperation", async_future(answer, row, self._transport.operations()))
