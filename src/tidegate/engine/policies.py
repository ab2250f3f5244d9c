"""The IAM policies of the server, of projects, queues and service accounts: stored and returned. Who is asked whether
they allow something is ``engine/access``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from tidegate.core.names import QueueName
from tidegate.core.policy import NO_POLICY, Policy, settle_policy
from tidegate.engine.documents import all_documents, note_access_change
from tidegate.engine.lookup import found
from tidegate.engine.ports.events import PolicyChanged
from tidegate.engine.ports.store import Reader, StoredQueue, Transaction
from tidegate.engine.ports.world import World

KIND: Final = "policy"
"""Documents of the policies of queues."""
OTHERS_KIND: Final = "resource_policy"
"""Documents of all other policies, by the names of their resources."""

T = TypeVar("T")

_decoder = msgspec.msgpack.Decoder(Policy)
_encode = msgspec.msgpack.encode


class Policies:
    """One policy for each queue; a queue that is gone has none. And one for each other resource."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock
        self._ids = world.ids
        self._events = world.events

    async def get(self, queue: QueueName, *, push_only: bool = False) -> Policy:
        """The queue's policy, the empty one if none was set. Raises NotFound without the queue; with ``push_only`` for
        a pull queue too.
        """

        def look(reader: Reader) -> Policy:
            return self._kept(reader, KIND, document_of(found(reader.queue(queue), push_only=push_only)))

        return await self._store.read(look)

    async def set(
        self, queue: QueueName, sent: Policy, mask: Collection[str] | None, *, push_only: bool = False
    ) -> Policy:
        """Put a policy in place of the stored one; ``mask`` names the fields to change, None stands for the usual.

        Raises NotFound without the queue, with ``push_only`` for a pull queue too; Aborted when the policy was changed
        since its etag was read; InvalidArgument for what cannot be taken.
        """

        def document(tx: Transaction) -> tuple[str, str]:
            return KIND, document_of(found(tx.queue(queue), push_only=push_only))

        return await self._set(queue, document, sent, mask, conditions=False)

    async def get_at(self, resource: str) -> Policy:
        """The policy of ``server``, ``projects/P`` or ``projects/P/serviceAccounts/EMAIL``."""
        return await self._store.read(lambda reader: self._kept(reader, OTHERS_KIND, resource))

    async def set_at(
        self,
        resource: str,
        sent: Policy,
        mask: Collection[str] | None = None,
        exists: Callable[[Reader], object] = lambda _reader: None,
    ) -> Policy:
        """The same for one of these; bindings may be limited in time. ``exists`` raises when there is no such resource.

        Raises Aborted, InvalidArgument and what ``exists`` raises.
        """

        def document(tx: Transaction) -> tuple[str, str]:
            exists(tx)
            return OTHERS_KIND, resource

        return await self._set(resource, document, sent, mask, conditions=True)

    async def _set(
        self,
        resource: str,
        document: Callable[[Transaction], tuple[str, str]],
        sent: Policy,
        mask: Collection[str] | None,
        *,
        conditions: bool,
    ) -> Policy:
        def work(tx: Transaction) -> Policy:
            kind, name = document(tx)
            stored = self._kept(tx, kind, name)
            policy = settle_policy(sent, stored, self._ids.etag(), mask, conditions=conditions)
            tx.put_document(kind, name, _encode(policy))
            note_access_change(tx, policy.etag)
            return policy

        policy = await self._store.write(work)
        self._events.emit(PolicyChanged(str(resource), policy))
        return policy

    def _kept(self, reader: Reader, kind: str, document: str) -> Policy:
        kept = reader.document(kind, document, self._clock.now())
        return NO_POLICY if kept is None else _decoder.decode(kept)


def every_policy(reader: Reader, now: datetime) -> Iterator[tuple[str, Policy]]:
    """Each resource that has a policy, and the policy."""
    for name, value in all_documents(reader, KIND, now):
        yield name.rpartition("@")[0], _decoder.decode(value)
    for name, value in all_documents(reader, OTHERS_KIND, now):
        yield name, _decoder.decode(value)


def document_of(stored: StoredQueue) -> str:
    """Where the policy of a queue is kept; a queue made anew under the same name is another one."""
    return f"{stored.queue.name}@{stored.id}"


def drop_policy(tx: Transaction, stored: StoredQueue, now: datetime, etag: bytes) -> None:
    """Forget the policy of a queue that goes away."""
    document = document_of(stored)
    if tx.document(KIND, document, now) is not None:
        tx.drop_document(KIND, document)
        note_access_change(tx, etag)


def keep_policy(tx: Transaction, before: StoredQueue, after: StoredQueue, now: datetime) -> None:
    """Give the policy of a queue to the one that was made in its place."""
    kept = tx.document(KIND, document_of(before), now)
    if kept is not None:
        tx.drop_document(KIND, document_of(before))
        tx.put_document(KIND, document_of(after), kept)
