"""The IAM policy of each queue: stored and returned, not enforced (behaviour §20)."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from tidegate.core.names import QueueName
from tidegate.core.policy import NO_POLICY, Policy, settle_policy
from tidegate.engine.ports import Reader, Transaction, World
from tidegate.engine.queues import found

KIND = "policy"

_decoder = msgspec.msgpack.Decoder(Policy)
_encode = msgspec.msgpack.encode


class Policies:
    """One policy for each queue; a queue that is gone has none."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock
        self._ids = world.ids

    async def get(self, queue: QueueName) -> Policy:
        """The queue's policy, the empty one if none was set. Raises NotFound without the queue."""
        return await self._store.read(lambda reader: self._stored(reader, queue))

    async def set(self, queue: QueueName, sent: Policy, mask: Collection[str] | None) -> Policy:
        """Put a policy in place of the stored one; ``mask`` names the fields to change, None stands for the usual.

        Raises NotFound without the queue, Aborted when the policy was changed since its etag was read, InvalidArgument
        for what cannot be taken; in this order.
        """

        def work(tx: Transaction) -> Policy:
            policy = settle_policy(sent, self._stored(tx, queue), self._ids.etag(), mask)
            tx.put_document(KIND, queue, _encode(policy))
            return policy

        return await self._store.write(work)

    def _stored(self, reader: Reader, queue: QueueName) -> Policy:
        found(reader.queue(queue))
        kept = reader.document(KIND, queue, self._clock.now())
        return NO_POLICY if kept is None else _decoder.decode(kept)
