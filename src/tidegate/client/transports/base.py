"""What every transport has: credentials, a host, and a call for each row of its API version."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import google.auth
import google.protobuf
from google.api_core import exceptions
from google.api_core.gapic_v1.client_info import ClientInfo
from google.auth.credentials import Credentials
from google.oauth2 import service_account

from tidegate import __version__
from tidegate.client.calls import ClientCall, Send
from tidegate.client.emulator import EmulatorAddress
from tidegate.client.environment import ENDPOINT
from tidegate.schema.rpc import Rpc

Rows = tuple[Rpc[Any, Any], ...]

DEFAULT_CLIENT_INFO = ClientInfo(gapic_version=__version__)
DEFAULT_CLIENT_INFO.protobuf_runtime_version = google.protobuf.__version__


class Transport:
    """Sends requests of one API version. ``transport.create_task`` is the bare call: no retry, no headers of its own.

    Args:
        host: where to connect; gRPC takes port 443 when there is none.
        credentials: of google-auth. None: the application's default ones.
        credentials_file: a file to load them from instead.
        scopes: what the credentials are for; by default the scope of Google Cloud.
        quota_project_id: the project that pays.
        client_info: what the client says of itself in its headers.
        always_use_jwt_access: service accounts sign their own tokens.
        api_audience: whom the tokens are for; by default the host.
    """

    AUTH_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
    DEFAULT_HOST: str = ENDPOINT

    rows: ClassVar[Rows] = ()
    _call_type: ClassVar[type[ClientCall]] = ClientCall
    _call_options: ClassVar[dict[str, str]] = {}
    _needs_credentials = True

    def __init_subclass__(cls, **options: Any) -> None:
        """Give the class a property for each row, unless it has one."""
        super().__init_subclass__(**options)
        for row in vars(cls).get("rows", ()):
            setattr(cls, row.name, property(_sender(row), doc=f"Sends {row.rpc_name}."))

    def __init__(
        self,
        *,
        host: str = ENDPOINT,
        credentials: Credentials | None = None,
        credentials_file: str | None = None,
        scopes: Sequence[str] | None = None,
        quota_project_id: str | None = None,
        client_info: ClientInfo | None = DEFAULT_CLIENT_INFO,
        always_use_jwt_access: bool | None = False,
        api_audience: str | None = None,
        **_ignored: Any,
    ) -> None:
        if credentials and credentials_file:
            raise exceptions.DuplicateCredentialArgs("'credentials_file' and 'credentials' are mutually exclusive")
        found: Any = credentials
        how: Any = {"scopes": scopes, "quota_project_id": quota_project_id, "default_scopes": self.AUTH_SCOPES}
        if credentials_file is not None:
            found, _ = google.auth.load_credentials_from_file(credentials_file, **how)
        elif credentials is None and self._needs_credentials:
            found, _ = google.auth.default(**how)
            if hasattr(found, "with_gdch_audience"):
                found = found.with_gdch_audience(api_audience or host)
        if always_use_jwt_access and isinstance(found, service_account.Credentials):
            found = found.with_always_use_jwt_access(True)
        self._credentials = found
        self._scopes = scopes
        self._host = host if ":" in host else host + ":443"
        self._client_info = client_info
        self._senders: dict[str, Send] = {}
        self._calls: dict[Rpc[Any, Any], ClientCall] = {}

    @classmethod
    def plain(
        cls, address: EmulatorAddress, client_info: ClientInfo | None = DEFAULT_CLIENT_INFO, **options: Any
    ) -> Self:
        """A transport to a server of one's own: without credentials, and without TLS unless the address says so.

        ``options`` are further arguments of the class; host and credentials among them count for nothing.
        """
        raise NotImplementedError

    @property
    def host(self) -> str:
        """Where it connects."""
        return self._host

    @property
    def kind(self) -> str:
        """``grpc``, ``grpc_asyncio``, ``rest`` or ``rest_asyncio``."""
        raise NotImplementedError

    @property
    def operations_client(self) -> Any:
        """A client of google-api-core for long-running operations."""
        raise NotImplementedError

    def close(self) -> Any:
        """Close the connections; with asyncio, to be awaited."""
        raise NotImplementedError

    def call(self, row: Rpc[Any, Any]) -> Any:
        """The row's call, with its defaults."""
        call = self._calls.get(row)
        if call is None:
            call = self._calls[row] = self._call_type(
                row, getattr(self, row.name), self._client_info, **self._call_options
            )
        return call

    def operations(self) -> Any:
        """What futures of operations ask for later states."""
        return self.operations_client

    def _make_sender(self, row: Rpc[Any, Any]) -> Send:
        raise NotImplementedError


def _sender(row: Rpc[Any, Any]) -> Any:
    def sender(self: Transport) -> Send:
        known = self._senders.get(row.name)
        if known is None:
            known = self._senders[row.name] = self._make_sender(row)
        return known

    return sender
