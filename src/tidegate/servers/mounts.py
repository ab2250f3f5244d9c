"""The applications beside unary gRPC, each mounted at a path."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from msgspec import Struct

from tidegate.servers.call import AsgiApp, Scope

READING: Final = frozenset({"GET", "HEAD"})


class Mount(Struct, frozen=True):
    """An application and where it answers: at ``path``, or with ``below`` at every path that begins with it.

    ``verbs`` are the HTTP verbs that it answers, None for all. A ``stream`` mount answers gRPC calls with more than one
    message. An ``always`` mount also answers while the server is shutting down.
    """

    path: str
    app: AsgiApp
    verbs: Collection[str] | None = None
    below: bool = False
    stream: bool = False
    always: bool = False

    def takes(self, verb: str) -> bool:
        return self.verbs is None or verb in self.verbs


class Mounts:
    """Finds the mount of a request: one at its path, else the first in the list that covers it."""

    def __init__(self, mounts: Iterable[Mount]) -> None:
        self._at: dict[str, list[Mount]] = {}
        self._above: list[Mount] = []
        for mount in mounts:
            if mount.below:
                self._above.append(mount)
            else:
                self._at.setdefault(mount.path, []).append(mount)

    def find(self, scope: Scope, *, stream: bool = False) -> Mount | None:
        """The mount that answers this request, of those with the same ``stream``."""
        verb, path = scope["method"], scope["path"]
        for mount in self._at.get(path, ()):
            if mount.stream is stream and mount.takes(verb):
                return mount
        for mount in self._above:
            if mount.stream is stream and mount.takes(verb) and path.startswith(mount.path):
                return mount
        return None
