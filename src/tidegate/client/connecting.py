"""A client of a server of one's own, in one call."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from tidegate.client.emulator import DEFAULT_ADDRESS, EmulatorAddress, emulator_host

if TYPE_CHECKING:
    from tidegate import tasks_v2, tasks_v2beta2, tasks_v2beta3

Version = Literal["v2", "v2beta2", "v2beta3"]
Protocol = Literal["grpc", "rest"]


@overload
def connect(
    address: str | None = None,
    *,
    version: Literal["v2"] = "v2",
    transport: Protocol = "grpc",
    asynchronous: Literal[False] = False,
) -> tasks_v2.CloudTasksClient: ...
@overload
def connect(
    address: str | None = None,
    *,
    version: Literal["v2"] = "v2",
    transport: Protocol = "grpc",
    asynchronous: Literal[True],
) -> tasks_v2.CloudTasksAsyncClient: ...
@overload
def connect(
    address: str | None = None,
    *,
    version: Literal["v2beta2"],
    transport: Protocol = "grpc",
    asynchronous: Literal[False] = False,
) -> tasks_v2beta2.CloudTasksClient: ...
@overload
def connect(
    address: str | None = None,
    *,
    version: Literal["v2beta2"],
    transport: Protocol = "grpc",
    asynchronous: Literal[True],
) -> tasks_v2beta2.CloudTasksAsyncClient: ...
@overload
def connect(
    address: str | None = None,
    *,
    version: Literal["v2beta3"],
    transport: Protocol = "grpc",
    asynchronous: Literal[False] = False,
) -> tasks_v2beta3.CloudTasksClient: ...
@overload
def connect(
    address: str | None = None,
    *,
    version: Literal["v2beta3"],
    transport: Protocol = "grpc",
    asynchronous: Literal[True],
) -> tasks_v2beta3.CloudTasksAsyncClient: ...
def connect(
    address: str | None = None,
    *,
    version: Version = "v2",
    transport: Protocol = "grpc",
    asynchronous: bool = False,
) -> Any:
    """A client of the Tidegate at ``address``: no credentials, and no TLS unless the address begins with ``https://``.

        with tidegate.connect("localhost:8123") as client:
            client.create_task(parent=queue, task=tidegate.http_task("https://example.com/send", json={"to": "you"}))

    Args:
        address: ``host:port``; without a port it is 8123, and 443 after ``https://``. By default what
            CLOUD_TASKS_EMULATOR_HOST says, else ``localhost:8123``.
        version: of the API: ``v2``, ``v2beta2`` or ``v2beta3``.
        transport: ``grpc`` or ``rest``.
        asynchronous: for a client whose methods are awaited. Make it where the event loop runs.

    Raises:
        ValueError: the address is none, or there is no such version or transport.
    """
    _check("version", version, get_args(Version))
    _check("transport", transport, get_args(Protocol))
    where = (
        EmulatorAddress.parse(address)
        if address is not None
        else emulator_host() or EmulatorAddress.parse(DEFAULT_ADDRESS)
    )
    package = f"tidegate.tasks_{version}.services.cloud_tasks"
    module = importlib.import_module(package)
    client = module.CloudTasksAsyncClient if asynchronous else module.CloudTasksClient
    label = f"{transport}_asyncio" if asynchronous else transport
    return client(transport=client.get_transport_class(label).plain(where))


def _check(name: str, given: str, allowed: tuple[str, ...]) -> None:
    if given not in allowed:
        raise ValueError(f"{name} must be {', '.join(allowed[:-1])} or {allowed[-1]}, not {given!r}")
