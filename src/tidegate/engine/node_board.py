"""What the nodes that share a store tell of themselves, and ask of each other: each writes down what it does, and reads
whether it is to be drained. They do not talk to each other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from tidegate.core.errors import InvalidArgument
from tidegate.core.times import later
from tidegate.engine.death_watch import DEAD_AFTER
from tidegate.engine.ports.store import Reader, Store, StoreError, Transaction
from tidegate.engine.ports.world import World

logger = logging.getLogger(__name__)

FACES: Final = "nodes"
DRAINS: Final = "drained-nodes"
"""Kinds of documents: what nodes tell of themselves, and that a node is to be drained; by the names of the nodes."""

TOLD_EVERY: Final = 2.0
"""Seconds between two looks, as between two beats."""

KEPT_FOR: Final = timedelta(minutes=10)
"""For how long a node is shown that is dead. One that left in order is not shown."""

NODES_MAX: Final = 1000
"""Nodes that are listed."""

_SHOWN_MAX: Final = 200


class NodeFace(Struct, frozen=True, array_like=True):
    """What a node tells of itself: its name, a host and a port, and what it does at ``seen_at``."""

    name: str
    address: str
    version: str
    started_at: datetime
    seen_at: datetime
    draining: bool
    in_flight: int

    def is_dead(self, now: datetime) -> bool:
        """Whether it has been silent for too long."""
        return now - self.seen_at > timedelta(seconds=DEAD_AFTER)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(NodeFace).decode


class NodeBoard:
    """This node's part of what the nodes tell each other. ``face`` says what it does now; ``drain`` and ``undrain``
    let it start no attempts, and start them again. Callers ask through the store ``calls``.
    """

    def __init__(
        self,
        world: World,
        calls: Store,
        face: Callable[[datetime], NodeFace],
        drain: Callable[[], None],
        undrain: Callable[[], None],
    ) -> None:
        self._store = world.store
        self._calls = calls
        self._clock = world.clock
        self._machine = world.machine
        self._face = face
        self._drain = drain
        self._undrain = undrain
        self._asked = False
        """Whether the node is to be drained, as it was read last."""
        self.others_serve = False
        """Whether another node that lives starts attempts, as far as it was told at the last look."""
        self._acting = asyncio.Lock()

    async def join(self) -> None:
        """Begin as a node that is not drained, whatever was asked of an earlier one of that name."""
        face = self._face(self._clock.now())

        def work(tx: Transaction) -> None:
            tx.drop_document(DRAINS, face.name)
            _tell(tx, face)

        await self._store.write(work)

    async def run(self) -> None:
        """Tell, and do what is asked, until cancelled."""
        while True:
            await self._machine.sleep(TOLD_EVERY)
            try:
                async with self._acting:
                    await self._look()
            except StoreError as error:
                logger.warning("cannot tell the other nodes what this one does: %s", error)

    async def _look(self) -> None:
        face = self._face(self._clock.now())

        def work(tx: Transaction) -> tuple[bool, list[NodeFace]]:
            _tell(tx, face)
            return tx.document(DRAINS, face.name, face.seen_at) is not None, _faces(tx, face.seen_at)

        asked, told = await self._store.write(work)
        others = [each for each in told if each.name != face.name]
        self.others_serve = any(not each.draining and not each.is_dead(face.seen_at) for each in others)
        if asked is not self._asked:
            self._asked = asked
            (self._drain if asked else self._undrain)()

    async def faces(self) -> Sequence[NodeFace]:
        """What all nodes tell, in the order of their names; this one as it is now."""
        now = self._clock.now()
        own = self._face(now)
        told = await self._calls.read(lambda reader: _faces(reader, now))
        return sorted([own, *(each for each in told if each.name != own.name)], key=lambda each: each.name)

    async def ask(self, name: str, *, drained: bool) -> None:
        """Let a node start no attempts, or start them again: this one at once, another one at its next look. Raises
        InvalidArgument for a node that is not there or dead.
        """
        now = self._clock.now()
        own = self._face(now)
        async with self._acting:

            def work(tx: Transaction) -> None:
                there = [each.name for each in _faces(tx, now) if not each.is_dead(now)]
                if name != own.name and name not in there:
                    shown = ", ".join(sorted({own.name, *there}))[:_SHOWN_MAX]
                    raise InvalidArgument(
                        f'node must be empty or the name of a node that lives ({shown}), but is "{name[:_SHOWN_MAX]}".'
                    )
                if drained:
                    tx.put_document(DRAINS, name, b"1")
                else:
                    tx.drop_document(DRAINS, name)

            await self._calls.write(work)
            if name == own.name:
                self._asked = drained
                (self._drain if drained else self._undrain)()

    async def leave(self) -> None:
        """This node is no more, and nothing is to be shown of it."""
        name = self._face(self._clock.now()).name

        def work(tx: Transaction) -> None:
            tx.drop_document(FACES, name)
            tx.drop_document(DRAINS, name)

        try:
            await self._store.write(work)
        except StoreError as error:
            logger.warning("cannot tell the other nodes that this one leaves: %s", error)


def _tell(tx: Transaction, face: NodeFace) -> None:
    tx.put_document(FACES, face.name, _encode(face), later(face.seen_at, KEPT_FOR))


def _faces(reader: Reader, now: datetime) -> list[NodeFace]:
    return [_decode(value) for _, value in reader.documents(FACES, "", "", NODES_MAX, now)]
