"""Makes the clients of google-cloud-tasks talk to a server of your own, for programs that keep importing them."""

from __future__ import annotations

import copy
import functools
import importlib
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from tidegate.client.emulator import DEFAULT_ADDRESS, EmulatorAddress, emulator_host

VERSIONS = ("v2", "v2beta2", "v2beta3")
NOT_FOR_INSTANCES = (
    "api_key",
    "credentials_file",
    "scopes",
)  # options that do not fit a ready transport


class Patch:
    """What was patched. Leaving it as a context manager, or ``undo()``, puts everything back."""

    def __init__(self, address: EmulatorAddress, modules: Iterable[Any] | None = None) -> None:
        """``modules`` are those with the clients, such as ``google.cloud.tasks_v2.services.cloud_tasks``; all without
        it.
        """
        self.address = address
        self._undo: list[Callable[[], None]] = []
        names = (f"google.cloud.tasks_{version}.services.cloud_tasks" for version in VERSIONS)
        for module in map(importlib.import_module, names) if modules is None else modules:
            self._patch(module)

    def undo(self) -> None:
        """Let new clients talk to Google again; clients that were made meanwhile stay as they are."""
        while self._undo:
            self._undo.pop()()

    def __enter__(self) -> Patch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.undo()

    def _patch(self, module: Any) -> None:
        client, transports = module.CloudTasksClient, module.transports
        original = client.__init__

        @functools.wraps(original)
        def opened(
            instance: Any, *, credentials: Any = None, transport: Any = None, client_options: Any = None, **rest: Any
        ) -> None:
            if not isinstance(transport, transports.CloudTasksTransport):
                kind = (
                    client.get_transport_class(transport)
                    if transport is None or isinstance(transport, str)
                    else transport
                )
                transport, credentials = self._plain(kind, transports), None
                client_options = _without(client_options)
            original(instance, credentials=credentials, transport=transport, client_options=client_options, **rest)

        client.__init__ = opened
        self._undo.append(lambda: setattr(client, "__init__", original))

    def _plain(self, kind: Any, transports: Any) -> Any:
        import grpc  # noqa: PLC0415
        from google.auth.credentials import AnonymousCredentials  # noqa: PLC0415

        is_class = isinstance(kind, type)
        if is_class and issubclass(kind, transports.CloudTasksGrpcTransport):
            return kind(host=self.address.target, channel=self._channel(grpc))
        if is_class and issubclass(kind, transports.CloudTasksGrpcAsyncIOTransport):
            return kind(host=self.address.target, channel=self._channel(grpc.aio))
        if is_class and issubclass(kind, transports.CloudTasksRestTransport):
            return kind(host=self.address.url, credentials=AnonymousCredentials())
        return kind(host=self.address.target, credentials=AnonymousCredentials())

    def _channel(self, maker: Any) -> Any:
        import grpc  # noqa: PLC0415

        options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
        if self.address.tls:
            return maker.secure_channel(self.address.target, grpc.ssl_channel_credentials(), options=options)
        return maker.insecure_channel(self.address.target, options=options)


def patch_google_cloud_tasks(address: str | None = None) -> Patch:
    """Make the clients of google-cloud-tasks talk to the Tidegate at ``address``, without credentials and TLS.

        tidegate.patch_google_cloud_tasks("localhost:8123")  # from now on
        with tidegate.patch_google_cloud_tasks():  # for a while
            ...

    Clients that are made with a transport of their own are left alone.

    Args:
        address: ``host:port``; by default what CLOUD_TASKS_EMULATOR_HOST says, else ``localhost:8123``.

    Raises:
        ImportError: google-cloud-tasks is not installed.
        ValueError: the address is none.
    """
    return Patch(
        EmulatorAddress.parse(address)
        if address is not None
        else emulator_host() or EmulatorAddress.parse(DEFAULT_ADDRESS)
    )


def _without(options: Any) -> Any:
    """The client options that can be combined with a ready transport."""
    if isinstance(options, dict):
        return {name: value for name, value in options.items() if name not in NOT_FOR_INSTANCES}
    if options is None:
        return None
    rest = copy.copy(options)
    for name in NOT_FOR_INSTANCES:
        setattr(rest, name, None)
    return rest
