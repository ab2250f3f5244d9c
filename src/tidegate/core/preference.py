"""Which node sees to a queue first. All nodes come to the same answer; one that comes or goes moves few queues."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b

from tidegate.core.names import QueueName


def ranked(queue: QueueName | str, nodes: Collection[int]) -> list[int]:
    """The nodes in the order in which they see to the queue: by the hash of queue and node, the highest first."""
    return sorted(nodes, key=lambda node: _weight(queue, node), reverse=True)


def _weight(queue: str, node: int) -> bytes:
    return blake2b(str.__str__(queue).encode(), digest_size=8, key=node.to_bytes(8, "big")).digest()
