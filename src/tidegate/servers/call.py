"""The types of ASGI, and a call as its handler sees it."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from tidegate.core.access import Principal

Scope: TypeAlias = MutableMapping[str, Any]
Headers: TypeAlias = list[tuple[bytes, bytes]]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class Disconnected(Exception):  # noqa: N818 - not an error of ours
    """The client went away before its call was over."""


class Call:
    """What a handler may know of its call beside the message: its path, headers and deadline."""

    __slots__ = ("deadline", "scope")

    principal: Principal | None = None
    """Who calls, where a part of this server has found that out; None for clients."""

    def __init__(self, scope: Scope, deadline: float | None) -> None:
        self.scope = scope
        self.deadline = deadline
        """When the client stops waiting, in seconds of the event loop's clock; None for never."""

    @property
    def path(self) -> str:
        """The full method, ``/package.Service/Method``."""
        path: str = self.scope["path"]
        return path

    @property
    def metadata(self) -> dict[str, str | bytes]:
        """The request's headers. Values of one name are joined by commas; ``-bin`` values are decoded."""
        metadata: dict[str, str | bytes] = {}
        for raw_name, raw_value in self.scope["headers"]:
            name = raw_name.decode("latin-1")
            if name.endswith("-bin"):
                metadata[name] = _binary(raw_value)
            else:
                value = raw_value.decode("latin-1")
                earlier = metadata.get(name)
                metadata[name] = f"{earlier},{value}" if isinstance(earlier, str) else value
        return metadata


class OwnCall:
    """A call that a part of this server makes for someone whom it knows, such as the console for a visitor. It passes
    the same door as a call of a client.
    """

    __slots__ = ("principal", "scope")

    def __init__(self, principal: Principal, scope: Scope) -> None:
        """``scope`` is the request that it is made for."""
        self.principal = principal
        self.scope = scope

    @property
    def metadata(self) -> dict[str, str | bytes]:
        """No headers: those of the request are not the call's."""
        return {}


def _binary(value: bytes) -> bytes:
    """A ``-bin`` header's bytes; values of one name may be joined by commas, and the first counts."""
    first = value.partition(b",")[0].strip()
    try:
        return b64decode(first + b"=" * (-len(first) % 4))
    except ValueError:
        return b""
