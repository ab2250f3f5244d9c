"""gRPC through grpcio, blocking."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self

import grpc
from google.api_core import grpc_helpers, operations_v1
from google.api_core.gapic_v1.client_info import ClientInfo
from google.auth.credentials import Credentials

from tidegate.client.calls import Send
from tidegate.client.emulator import EmulatorAddress
from tidegate.client.environment import ENDPOINT, CertificateSource
from tidegate.client.transports.base import DEFAULT_CLIENT_INFO, Transport
from tidegate.client.transports.quick_grpc import quick
from tidegate.schema.rpc import Rpc, raw

UNLIMITED = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class GrpcBase(Transport):
    """What the two gRPC transports share."""

    _channel_type: ClassVar[type[Any]]
    _helpers: ClassVar[Any]
    """The module of google-api-core that makes channels."""
    _grpc_channel: Any
    _plain_channel: ClassVar[Callable[..., Any]]
    _secure_channel: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        *,
        host: str = ENDPOINT,
        credentials: Credentials | None = None,
        credentials_file: str | None = None,
        scopes: Sequence[str] | None = None,
        channel: Any = None,
        api_mtls_endpoint: str | None = None,
        client_cert_source: CertificateSource | None = None,
        ssl_channel_credentials: grpc.ChannelCredentials | None = None,
        client_cert_source_for_mtls: CertificateSource | None = None,
        quota_project_id: str | None = None,
        client_info: ClientInfo | None = DEFAULT_CLIENT_INFO,
        always_use_jwt_access: bool | None = False,
        api_audience: str | None = None,
    ) -> None:
        """Make a channel, or use ``channel``: one that is there, or a callable that makes one.

        With a channel that is there, credentials and certificates are not used. ``api_mtls_endpoint`` and
        ``client_cert_source`` are deprecated; ``client_cert_source_for_mtls`` returns certificate and key in PEM. For
        the other arguments see the base class.
        """
        if api_mtls_endpoint:
            warnings.warn("api_mtls_endpoint is deprecated", DeprecationWarning, stacklevel=2)
        if client_cert_source:
            warnings.warn("client_cert_source is deprecated", DeprecationWarning, stacklevel=2)
        given = isinstance(channel, self._channel_type)
        if given:
            credentials, ssl_channel_credentials = None, None
            self._needs_credentials = False
        elif api_mtls_endpoint:
            host = api_mtls_endpoint
            ssl_channel_credentials = _ssl_credentials(client_cert_source)
        elif client_cert_source_for_mtls and not ssl_channel_credentials:
            ssl_channel_credentials = _ssl_credentials(client_cert_source_for_mtls)
        super().__init__(
            host=host,
            credentials=credentials,
            credentials_file=credentials_file,
            scopes=scopes,
            quota_project_id=quota_project_id,
            client_info=client_info,
            always_use_jwt_access=always_use_jwt_access,
            api_audience=api_audience,
        )
        self._operations_client: Any = None
        if not given:
            make = channel or type(self).create_channel
            channel = make(
                self._host,
                credentials=self._credentials,
                credentials_file=None,  # loaded already
                scopes=self._scopes,
                ssl_credentials=ssl_channel_credentials,
                quota_project_id=quota_project_id,
                options=UNLIMITED,
            )
        self._grpc_channel = channel

    @classmethod
    def plain(
        cls, address: EmulatorAddress, client_info: ClientInfo | None = DEFAULT_CLIENT_INFO, **options: Any
    ) -> Self:
        if address.tls:
            channel = cls._secure_channel(address.target, grpc.ssl_channel_credentials(), options=UNLIMITED)
        else:
            channel = cls._plain_channel(address.target, options=UNLIMITED)
        own = {"host": address.target, "credentials_file": None, "channel": channel, "client_info": client_info}
        return cls(**options | own)

    @classmethod
    def create_channel(
        cls,
        host: str = ENDPOINT,
        credentials: Credentials | None = None,
        credentials_file: str | None = None,
        scopes: Sequence[str] | None = None,
        quota_project_id: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """A channel with TLS and credentials; further arguments go to google-api-core's ``create_channel``."""
        return cls._helpers.create_channel(
            host,
            credentials=credentials,
            credentials_file=credentials_file,
            quota_project_id=quota_project_id,
            default_scopes=cls.AUTH_SCOPES,
            scopes=scopes,
            default_host=cls.DEFAULT_HOST,
            **kwargs,
        )

    @property
    def grpc_channel(self) -> Any:
        """The channel that calls go through."""
        return self._grpc_channel

    def close(self) -> Any:
        return self._grpc_channel.close()

    def _make_sender(self, row: Rpc[Any, Any]) -> Send:
        if row.streams:
            stream: Send = self._grpc_channel.unary_stream(
                row.grpc_path,
                request_serializer=_serializer(row),
                response_deserializer=_deserializer(row.response),
            )
            return stream
        sender: Send = self._grpc_channel.unary_unary(
            row.grpc_path,
            request_serializer=_serializer(row),
            response_deserializer=_deserializer(row.response),
        )
        return self._quickened(sender)

    def _quickened(self, sender: Send) -> Send:
        return sender


class GrpcTransport(GrpcBase):
    """gRPC, blocking."""

    _helpers: ClassVar[Any] = grpc_helpers
    _channel_type = grpc.Channel
    _plain_channel = staticmethod(grpc.insecure_channel)
    _secure_channel = staticmethod(grpc.secure_channel)

    def _quickened(self, sender: Send) -> Send:
        return quick(sender)

    @property
    def kind(self) -> str:
        return "grpc"

    @property
    def operations_client(self) -> Any:
        if self._operations_client is None:
            self._operations_client = operations_v1.OperationsClient(self._grpc_channel)
        return self._operations_client


def _ssl_credentials(source: CertificateSource | None) -> grpc.ChannelCredentials:
    """From a client certificate; without one, from the machine's."""
    if source is None:
        from google.auth.transport.grpc import SslCredentials  # noqa: PLC0415

        of_the_machine: grpc.ChannelCredentials = SslCredentials().ssl_credentials
        return of_the_machine
    certificate, key = source()
    return grpc.ssl_channel_credentials(certificate_chain=certificate, private_key=key)


def _serializer(row: Rpc[Any, Any]) -> Any:
    """For raw requests, which calls make, and for messages, which users of a transport give."""
    write: Callable[[Any], bytes] = row.request_pb.SerializeToString
    wrapper = row.request
    if row.request_pb is wrapper:
        return write

    def serialize(request: Any) -> bytes:
        try:
            return write(request)
        except TypeError:
            return write(wrapper.pb(request))

    return serialize


def _deserializer(kind: type[Any]) -> Any:
    beneath = raw(kind)
    if beneath is kind:
        return kind.FromString
    parse, wrap = beneath.FromString, kind.wrap  # what kind.deserialize does, looked up once
    return lambda payload: wrap(parse(payload))
