"""Which nodes work on the store, and which of them are no more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Member(Struct, frozen=True):
    """A node as the store shows it. ``beats`` counts its beats: that it stands still tells that the node may be dead.
    A ``fenced`` node is: its attempts wait to be released.
    """

    node: int
    beats: int
    fenced: bool = False


class Joined(Struct, frozen=True):
    """The number of this node, never given twice, and those of the nodes whose attempts it has to release: it takes
    their place.
    """

    node: int
    succeeds: Sequence[int]


class Membership(Protocol):
    """What the store knows of the nodes that share it. Every call may raise StoreError."""

    @property
    def alone(self) -> bool:
        """Whether no other node can use the store. Then nobody beats, and nobody asks who else is there."""

    @property
    def switches(self) -> int:
        """How often it became uncertain what the store knows of this node's attempts: another server has taken its
        place, which may not have the last that was written.
        """

    async def join(self, name: str) -> Joined:
        """Begin a life as a node called ``name``, a host and a port: earlier nodes of that name are fenced. From here
        on the store takes what this node writes.
        """

    async def beat(self) -> Sequence[Member]:
        """Say that this node lives. Returns all nodes, itself among them; FencedError when the others took it for
        dead.
        """

    async def fence(self, member: Member) -> bool:
        """Let a node write no more, unless it has beaten again since it was seen like this. Returns whether it is
        fenced now. A transaction that it has begun ends first.
        """

    async def leave(self) -> None:
        """This node is no more, and leaves nothing behind."""


class Alone:
    """``Membership`` of a store that one process has to itself."""

    alone = True
    switches = 0

    async def join(self, name: str) -> Joined:
        return Joined(0, ())

    async def beat(self) -> Sequence[Member]:
        return (Member(0, 0),)

    async def fence(self, member: Member) -> bool:
        return False

    async def leave(self) -> None: ...
