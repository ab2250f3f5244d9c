"""The IAM policy of each queue: stored and returned, not enforced."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from tidegate.core.names import QueueName
from tidegate.core.policy import NO_POLICY, Policy, settle_policy
from tidegate.engine.lookup import found
from tidegate.engine.ports.store import Reader, StoredQueue, Transaction
from tidegate.engine.ports.world import World

KIND = "policy"

_decoder = msgspec.msgpack.Decoder(Policy)
_encode = msgspec.msgpack.encode


class Policies:
    """One policy for each queue; a queue that is gone has none."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock
        self._ids = world.ids

    async def get(self, queue: QueueName, *, push_only: bool = False) -> Policy:
        """The queue's policy, the empty one if none was set. Raises NotFound without the queue; with ``push_only`` for
        a pull queue too.
        """

        def look(reader: Reader) -> Policy:
            return self._kept(reader, document_of(found(reader.queue(queue), push_only=push_only)))

        return await self._store.read(look)

    async def set(
        self, queue: QueueName, sent: Policy, mask: Collection[str] | None, *, push_only: bool = False
    ) -> Policy:
        """Put a policy in place of the stored one; ``mask`` names the fields to change, None stands for the usual.

        Raises NotFound without the queue, with ``push_only`` for a pull queue too; Aborted when the policy was changed
        since its etag was read; InvalidArgument for what cannot be taken.
        """

        def work(tx: Transaction) -> Policy:
            document = document_of(found(tx.queue(queue), push_only=push_only))
            policy = settle_policy(sent, self._kept(tx, document), self._ids.etag(), mask)
            tx.put_document(KIND, document, _encode(policy))
            return policy

        return await self._store.write(work)

    def _kept(self, reader: Reader, document: str) -> Policy:
        kept = reader.document(KIND, document, self._clock.now())
        return NO_POLICY if kept is None else _decoder.decode(kept)


def document_of(stored: StoredQueue) -> str:
    """Where the policy of a queue is kept; a queue made anew under the same name is another one."""
    return f"{stored.queue.name}@{stored.id}"


def drop_policy(tx: Transaction, stored: StoredQueue) -> None:
    """Forget the policy of a queue that goes away."""
    tx.drop_document(KIND, document_of(stored))
