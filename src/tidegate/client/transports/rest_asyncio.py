"""REST through pyreqwest, with asyncio."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

import google.protobuf
from google.api_core import exceptions
from google.api_core.gapic_v1.client_info import ClientInfo
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.transport.requests import Request
from google.longrunning.operations_proto_pb2 import GetOperationRequest
from google.longrunning.operations_proto_pb2 import Operation as OperationMessage
from pyreqwest import __version__ as pyreqwest_version
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError, RequestTimeoutError

from tidegate import __version__
from tidegate.client.calls import AsyncCall, Headers, Send
from tidegate.client.emulator import Address
from tidegate.client.environment import ENDPOINT, CertificateSource
from tidegate.client.transports.http import Exchange, Interceptor, RestBase, has_rest, is_error, refined
from tidegate.client.transports.rest import operation_row, unavailable
from tidegate.schema.rpc import Rpc

DEFAULT_CLIENT_INFO = ClientInfo(
    gapic_version=__version__, grpc_version=None, rest_version=f"pyreqwest@{pyreqwest_version}"
)
DEFAULT_CLIENT_INFO.protobuf_runtime_version = google.protobuf.__version__


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An answer as exceptions show it in ``response``."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes


class RestAsyncIOTransport(RestBase):
    """REST, with asyncio. A timeout is a DeadlineExceeded, a server out of reach a ServiceUnavailable."""

    _call_type = AsyncCall
    _call_options: ClassVar[dict[str, str]] = {"kind": "rest_asyncio"}
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
        """Make a client. ``interceptor`` sees what goes and comes; for the other arguments see the base class."""
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
        builder = ClientBuilder().follow_redirects(False)
        if client_cert_source_for_mtls:
            certificate, key = client_cert_source_for_mtls()
            builder = builder.identity_pem(certificate + b"\n" + key)
        self._http: Client = builder.build()
        self._interceptor = interceptor or self._interceptor_type()

    @classmethod
    def plain(cls, address: Address, client_info: ClientInfo | None = DEFAULT_CLIENT_INFO) -> Self:
        return cls(host=address.url, credentials=AnonymousCredentials(), client_info=client_info)

    @property
    def kind(self) -> str:
        return "rest_asyncio"

    @property
    def operations_client(self) -> Any:
        """What asks for the later states of an operation."""
        return _Operations(self)

    async def close(self) -> None:
        await self._http.close()

    async def _authorize(self, verb: str, url: str, headers: dict[str, Any]) -> None:
        """Add the credentials' headers. Getting new ones may block, so that happens in a thread."""
        if isinstance(self._credentials, AnonymousCredentials):
            return
        await asyncio.to_thread(self._credentials.before_request, Request(), verb.upper(), url, headers)

    def _make_sender(self, row: Rpc[Any, Any]) -> Send:
        if not has_rest(row):
            return unavailable(row)
        exchange, host = Exchange(row, self._interceptor), self._host

        async def send(request: Any, *, timeout: float | None = None, metadata: Headers = ()) -> Any:
            call, headers = exchange.write(request, metadata)
            url = f"{host}{call.path}"
            await self._authorize(call.verb, url, headers)
            builder = self._http.request(call.verb.upper(), f"{url}?{urlencode(call.query)}" if call.query else url)
            builder = builder.headers(headers)
            if timeout is not None:
                builder = builder.timeout(timedelta(seconds=timeout))
            if call.body is not None:
                builder = builder.body_bytes(call.body.encode())
            try:
                response = await builder.build().send()
                content = bytes(await response.bytes())
            except RequestTimeoutError as error:
                raise exceptions.DeadlineExceeded(f"{call.verb.upper()} {url}: no answer in time") from error
            except PyreqwestError as error:
                raise exceptions.ServiceUnavailable(f"{call.verb.upper()} {url}: {error}") from error
            answer = HttpAnswer(response.status, response.headers, content)
            if is_error(answer.status_code):
                raise _error(answer, call.verb, url)
            return exchange.read(content, answer.headers)

        return send


class _Operations:
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


def _error(answer: HttpAnswer, verb: str, url: str) -> exceptions.GoogleAPICallError:
    try:
        payload = json.loads(answer.content)
    except ValueError:
        payload = {"error": {"message": answer.content.decode(errors="replace") or "unknown error"}}
    plain = exceptions.format_http_response_error(answer, verb.upper(), url, payload)
    return refined(plain, payload)
