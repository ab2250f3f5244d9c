"""Nodes that share a store: listed, drained and explained by whichever of them is asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from tests.engine.worlds import Mint, Network, Notes
from tests.ids import CountingIds
from tests.simulation.node_store import NodeStore, Way
from tests.simulation.shared_store import SharedStore
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.api.operator import OperatorApi, Parts
from tidegate.api.operator.about import About
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.engine import Engine
from tidegate.engine.node_board import KEPT_FOR, TOLD_EVERY
from tidegate.engine.ports.world import World
from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc

QUEUE = QueueName.of("p", "l", "q")
A_LOOK = TOLD_EVERY + 1
LONG_DEAD = 15.0
"""Seconds after which the others have seen that a node is dead."""


@dataclass
class Node:
    """A node and its API."""

    name: str
    engine: Engine
    api: OperatorApi

    async def call(self, row: Rpc[Any, Any], **fields: Any) -> Any:
        request = row.request.pb(row.request(**fields)) if hasattr(row.request, "pb") else row.request(**fields)
        answer = await self.api.method(row)(request)
        return row.response.wrap(answer) if hasattr(row.response, "wrap") else answer

    async def states(self) -> dict[str, str]:
        nodes = (await self.call(Operator.list_nodes)).nodes
        assert [each.name for each in nodes if each.current] == [f"nodes/{self.name}"]
        return {each.name.removeprefix("nodes/"): each.state.name for each in nodes}

    async def put(self, task_id: str) -> None:
        draft = TaskDraft(name=QUEUE.task(task_id), target=HttpDraft("http://handler.test/"))
        await self.engine.tasks.create(QUEUE, check_task(draft, QUEUE, self.engine.clock.now()))

    async def explained(self, task_id: str) -> str:
        said = await self.call(Operator.explain_task, name=QUEUE.task(task_id))
        return str(said.reasons[0].code.name)

    async def kill(self) -> None:
        """End it as ``kill -9`` would: nothing is told to anybody."""
        running = list(self.engine._running.values())
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def started(shared: SharedStore, name: str) -> Node:
    clock = VirtualClock()
    store = NodeStore(shared, Way(random.Random(1)), lambda sample: None)
    engine = Engine(World(store, Network(), Mint(), clock, clock, CountingIds(), Notes(), store))
    await engine.join(name, f"http://{name}", "1.2.3")
    await engine.start()
    about = About(version="1.2.3", started_at=clock.now(), node=name, address=f"http://{name}")
    return Node(name, engine, OperatorApi(Parts(engine=engine, about=about)))


def lived(story: Callable[[SharedStore, Node, Node], Awaitable[None]]) -> None:
    """Have a life of two nodes, in virtual time."""

    async def day() -> None:
        shared = SharedStore(random.Random(1), lambda node: None)
        one, other = await started(shared, "one:1"), await started(shared, "other:2")
        await asyncio.sleep(A_LOOK)
        await one.engine.queues.create(Queue(name=QUEUE))
        await story(shared, one, other)
        for node in (one, other):
            await node.engine.stop()

    run(day())


def test_every_node_lists_all_of_them() -> None:
    async def story(shared: SharedStore, one: Node, other: Node) -> None:
        assert await one.states() == await other.states() == {"one:1": "SERVING", "other:2": "SERVING"}
        shown = (await one.call(Operator.list_nodes)).nodes[1]
        assert (shown.version, shown.address, shown.in_flight) == ("1.2.3", "http://other:2", 0)
        assert timedelta() <= one.engine.clock.now() - shown.last_seen_time <= timedelta(seconds=A_LOOK)
        await other.engine.stop()
        assert await one.states() == {"one:1": "SERVING"}

    lived(story)


def test_a_node_drains_another_one_at_its_next_look() -> None:
    async def story(shared: SharedStore, one: Node, other: Node) -> None:
        await one.call(Operator.drain, node="nodes/other:2")
        await asyncio.sleep(A_LOOK)
        assert (other.engine.draining, one.engine.draining) == (True, False)
        assert await one.states() == {"one:1": "SERVING", "other:2": "DRAINED"}
        await other.put("t")
        assert await other.explained("t") == "DUE_NOW"  # the other node starts it
        await one.call(Operator.undrain, node="other:2")
        await asyncio.sleep(A_LOOK)
        assert await other.states() == {"one:1": "SERVING", "other:2": "SERVING"}

    lived(story)


def test_what_a_node_is_asked_itself_and_through_others_is_the_same() -> None:
    async def story(shared: SharedStore, one: Node, other: Node) -> None:
        await other.call(Operator.drain)
        assert other.engine.draining
        await asyncio.sleep(A_LOOK)
        assert other.engine.draining
        await one.call(Operator.undrain, node="other:2")
        await asyncio.sleep(A_LOOK)
        assert not other.engine.draining

    lived(story)


def test_where_all_nodes_are_drained_nobody_holds_a_queue() -> None:
    async def story(shared: SharedStore, one: Node, other: Node) -> None:
        for name in ("one:1", "other:2"):
            await one.call(Operator.drain, node=name)
        await asyncio.sleep(2 * A_LOOK)
        await one.put("t")
        await asyncio.sleep(5)
        for node in (one, other):
            assert await node.explained("t") == "OWNED_BY_NOBODY"
            status = await node.call(Operator.get_queue_status, name=f"{QUEUE}/status")
            assert status.blocked_by.code.name == "OWNED_BY_NOBODY"
        await one.call(Operator.undrain, node="other:2")
        await asyncio.sleep(2 * A_LOOK)
        assert await one.explained("t") == "FINISHED_OR_DELETED"

    lived(story)


def test_a_node_that_is_not_there_or_dead_is_not_drained() -> None:
    async def story(shared: SharedStore, one: Node, other: Node) -> None:
        with pytest.raises(InvalidArgument, match=r'node must be .*\(one:1, other:2\), but is "third:3"'):
            await one.call(Operator.drain, node="third:3")
        await other.kill()
        await asyncio.sleep(LONG_DEAD)
        assert await one.states() == {"one:1": "SERVING", "other:2": "DEAD"}
        with pytest.raises(InvalidArgument, match=r"\(one:1\)"):
            await one.call(Operator.drain, node="other:2")
        await asyncio.sleep(KEPT_FOR.total_seconds())
        assert await one.states() == {"one:1": "SERVING"}

    lived(story)


def test_a_node_that_starts_again_is_not_drained() -> None:
    async def story(shared: SharedStore, one: Node, other: Node) -> None:
        await one.call(Operator.drain, node="other:2")
        await other.kill()
        again = await started(shared, "other:2")
        await asyncio.sleep(A_LOOK)
        assert await one.states() == {"one:1": "SERVING", "other:2": "SERVING"}
        await again.engine.stop()

    lived(story)
