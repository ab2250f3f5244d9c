"""A queue as PostgreSQL has it: the row that is locked, and the newest of its flows."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from tidegate.core.bucket import Flow
from tidegate.engine.ports.store import StoredQueue
from tidegate.storage import rows

HEAD_SLACK: Final = 3_000_000
"""Microseconds that the head stays behind: transactions under way have tasks that are due before now and not seen yet.
Two seconds for them, and one because creation times are cut to seconds."""

_under_way_decoder: Final = msgspec.json.Decoder(dict[int, int])


class QueueRow(NamedTuple):
    """The columns of a queue and of its newest flow."""

    id: int
    name: str
    generation: int
    settings: bytes
    n: int
    tokens: float
    filled_at: int
    throttle: bytes | None
    ramp: bytes | None
    under_way: str
    head: int
    reach: int

    def by_node(self) -> dict[int, int]:
        """Attempts under way, by node."""
        return _under_way_decoder.decode(self.under_way)

    def stored(self) -> StoredQueue:
        in_flight = sum(self.by_node().values())
        return rows.stored_queue(
            (self.id, self.generation, self.settings, self.tokens, self.filled_at, in_flight, self.throttle, self.ramp)
        )

    def following(self, flow: Flow, node: int, head: int, reach: int) -> QueueRow:
        """The row with the next flow, as this node leaves it."""
        tokens, filled_at, in_flight, throttle, ramp = rows.flow_columns(flow)
        by_node = self.by_node()
        others = sum(by_node.values()) - by_node.pop(node, 0)
        if in_flight > others:
            by_node[node] = in_flight - others
        return self._replace(
            n=self.n + 1,
            tokens=float(tokens),
            filled_at=filled_at,
            throttle=throttle,
            ramp=ramp,
            under_way=_json(by_node),
            head=head,
            reach=reach,
        )

    def without(self, node: int) -> QueueRow:
        """The row without the attempts of a node."""
        by_node = self.by_node()
        by_node.pop(node, None)
        return self._replace(under_way=_json(by_node))

    def flow_columns(self) -> tuple[Any, ...]:
        """What is appended to ``flows``."""
        return self.id, *self[4:]


def _json(by_node: dict[int, int]) -> str:
    return msgspec.json.encode(by_node).decode()
