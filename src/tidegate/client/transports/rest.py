"""REST through requests, blocking."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import google.protobuf
from google.api_core import exceptions, operations_v1, retry
from google.api_core.gapic_v1.client_info import ClientInfo
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.transport.requests import AuthorizedSession
from google.longrunning.operations_proto_pb2 import GetOperationRequest
from google.longrunning.operations_proto_pb2 import Operation as OperationMessage
from requests import __version__ as requests_version  # type: ignore[attr-defined, unused-ignore]

from tidegate import __version__
from tidegate.client.calls import Headers, Send
from tidegate.client.emulator import EmulatorAddress
from tidegate.client.environment import ENDPOINT, CertificateSource
from tidegate.client.transports.http import Exchange, Interceptor, RestBase, has_rest, is_error, refined
from tidegate.client.transports.rest_stream import RestStream
from tidegate.schema.rpc import Rpc

DEFAULT_CLIENT_INFO = ClientInfo(
    gapic_version=__version__, grpc_version=None, rest_version=f"requests@{requests_version}"
)
DEFAULT_CLIENT_INFO.protobuf_runtime_version = google.protobuf.__version__


class RestTransport(RestBase):
    """REST, blocking. Hosts get ``https://`` unless they name a scheme."""

    _interceptor_type: ClassVar[type[Interceptor]] = Interceptor

    def __init__(
        self,
        *,
        host: str = ENDPOINT,
        credentials: Credentials | None = None,
        credentials_file: str | None = None,
        scopes: Sequence[str] | None = None,
        client_cert_source_for_mtls: CertificateSource | None = None,
        quota_project_id: str | None = None,
        client_info: ClientInfo | None = DEFAULT_CLIENT_INFO,
        always_use_jwt_access: bool | None = False,
        url_scheme: str = "https",
        interceptor: Any = None,
        api_audience: str | None = None,
    ) -> None:
        """Open a session. ``interceptor`` sees what goes and comes; for the other arguments see the base class."""
        super().__init__(
            host=host,
            credentials=credentials,
            credentials_file=credentials_file,
            scopes=scopes,
            quota_project_id=quota_project_id,
            client_info=client_info,
            always_use_jwt_access=always_use_jwt_access,
            url_scheme=url_scheme,
            api_audience=api_audience,
        )
        self._session = AuthorizedSession(self._credentials, default_host=self.DEFAULT_HOST)
        if client_cert_source_for_mtls:
            self._session.configure_mtls_channel(client_cert_source_for_mtls)
        self._interceptor = interceptor or self._interceptor_type()
        self._operations_client: Any = None

    @classmethod
    def plain(
        cls, address: EmulatorAddress, client_info: ClientInfo | None = DEFAULT_CLIENT_INFO, **options: Any
    ) -> Self:
        anonymous = {"credentials": AnonymousCredentials(), "credentials_file": None}
        transport = cls(**options | anonymous | {"host": address.url, "client_info": client_info})
        # Otherwise a 401 would end in an error that anonymous credentials cannot be refreshed.
        transport._session = AuthorizedSession(transport._credentials, refresh_status_codes=())
        return transport

    @property
    def kind(self) -> str:
        return "rest"

    @property
    def operations_client(self) -> Any:
        if self._operations_client is None:
            transport = operations_v1.OperationsRestTransport(
                host=self._host,
                credentials=self._credentials,
                scopes=self._scopes,
                http_options=operation_rules(self),
                path_prefix=path_prefix(self),
            )
            self._operations_client = operations_v1.AbstractOperationsClient(transport=transport)
        return self._operations_client

    def operations(self) -> Any:
        return _Operations(self)

    def close(self) -> None:
        self._session.close()

    def _make_sender(self, row: Rpc[Any, Any]) -> Send:
        if not has_rest(row):
            return unavailable(row)
        if row.streams:
            return RestStream(row, self._session, self._host)
        return RestCallable(Exchange(row, self._interceptor), self._session, self._host)


class RestCallable:
    """The bare call of one RPC. It is a class so that a mock can replace ``__call__``."""

    def __init__(self, exchange: Exchange, session: AuthorizedSession, host: str) -> None:
        self._exchange, self._session, self._host = exchange, session, host

    def __call__(
        self,
        request: Any,
        *,
        retry: Any = None,  # noqa: ARG002  # taken, as Google's takes it; nothing repeats here
        timeout: float | None = None,
        metadata: Headers = (),
    ) -> Any:
        call, headers = self._exchange.write(request, metadata)
        response = getattr(self._session, call.verb)(
            self._host + call.path, timeout=timeout, headers=headers, params=call.query, data=call.body
        )
        if is_error(response.status_code):
            raise _error(response)
        return self._exchange.read(response.content, response.headers)


class _Operations:
    """Later states of an operation, by the transport's own call: google-api-core's would not know our messages."""

    _again = retry.Retry(
        initial=0.5,
        maximum=10.0,
        multiplier=2.0,
        timeout=10.0,
        predicate=retry.if_exception_type(exceptions.ServiceUnavailable),
    )

    def __init__(self, transport: RestTransport) -> None:
        self._transport = transport

    def get_operation(self, name: str, retry: Any = None) -> OperationMessage:
        get = operation_row(self._transport)
        call = self._transport.call(get)
        request = GetOperationRequest(name=name)
        answer: OperationMessage = call(
            request, retry=retry or self._again, timeout=10.0, metadata=call.headers(request, ())
        )
        return answer

    def cancel_operation(self, name: str) -> None:
        self._transport.operations_client.cancel_operation(name)


def operation_row(transport: RestBase) -> Rpc[Any, Any]:
    return next(row for row in transport.rows if row.name == "get_operation")


def operation_rules(transport: RestBase) -> dict[str, list[dict[str, str]]]:
    """The paths of operations, as google-api-core takes them."""
    rules = operation_row(transport).bindings
    uris = [{"method": rule.verb.lower(), "uri": rule.path} for rule in rules]
    return {"google.longrunning.Operations.GetOperation": uris}


def path_prefix(transport: RestBase) -> str:
    return operation_row(transport).bindings[0].path.split("/")[1]


def unavailable(row: Rpc[Any, Any]) -> Send:
    def refuse(_request: Any, **_options: Any) -> Any:
        raise NotImplementedError(f"Method {row.rpc_name} is not available over REST transport")

    return refuse


def _error(response: Any) -> exceptions.GoogleAPICallError:
    try:
        payload = response.json()
    except ValueError:
        payload = None
    return refined(exceptions.from_http_response(response), payload)
