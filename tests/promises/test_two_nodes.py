"""What single nodes do for each other, step by step, in virtual time."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from tests.engine.test_long_running import Counting
from tests.invariants.history import History, Requested
from tests.promises.nodes import Node, Servers
from tests.promises.server import LOCATION
from tests.simulation.processes import run

from tidegate.core.names import OperationName, QueueName
from tidegate.core.preference import ranked
from tidegate.engine.death_watch import DEAD_AFTER
from tidegate.engine.life import TRUSTED_FOR
from tidegate.storage.postgres import heads

QUEUE = QueueName.of("p", "l", "q")


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "tidegate")


class Life:
    """Two nodes, ``first`` sees to the queue before ``second``."""

    def __init__(self) -> None:
        self.history = History()
        self.servers = Servers(random.Random(1), self.history, 2)
        self.servers.memory.held_now = 0.0
        self.servers.handlers.failing = 0.0
        self.servers.handlers.patience = 0.01

    async def start(self) -> None:
        await self.servers.start()
        await asyncio.sleep(3)  # they have seen each other
        await self.call(self.servers.nodes[0], "create_queue", parent=LOCATION, queue={"name": QUEUE})
        numbers = {node.store.node: node for node in self.servers.nodes}
        self.first, self.second = (numbers[number] for number in ranked(QUEUE, list(numbers)))

    async def call(self, node: Node, method: str, **fields: Any) -> Any:
        reply = await node.answer("v2", method, fields, 20.0)
        assert reply.code == "OK", reply
        return reply.answer

    async def create(self, node: Node, task: str, *, after: float = 0.0, url: str = "http://handler.test/") -> None:
        due = self.servers.clock.now() + timedelta(seconds=after)
        fields: dict[str, Any] = {"name": f"{QUEUE}/tasks/{task}", "http_request": {"url": url}, "schedule_time": due}
        await self.call(node, "create_task", parent=QUEUE, task=fields)

    @property
    def sent(self) -> list[tuple[str, int]]:
        """Which task was sent by which node."""
        requests = [entry for entry in self.history.entries if isinstance(entry, Requested)]
        return [(entry.task.removeprefix("q/"), entry.node) for entry in requests]

    def now(self) -> float:
        return self.servers.clock.monotonic()


def day(play: Callable[[Life], Coroutine[Any, Any, None]]) -> None:
    async def whole() -> None:
        life = Life()
        await life.start()
        await play(life)
        await life.servers.crash()

    run(whole())


def test_a_task_starts_as_it_is_stored_whichever_node_stores_it() -> None:
    async def play(life: Life) -> None:
        await life.create(life.first, "a")
        await life.create(life.second, "b")
        await asyncio.sleep(0.02)
        assert life.sent == [("a", life.first.store.node), ("b", life.second.store.node)]

    day(play)


def test_a_node_that_sees_to_a_queue_first_takes_what_another_created_for_later() -> None:
    async def play(life: Life) -> None:
        await life.create(life.second, "a", after=20)
        await asyncio.sleep(30)
        assert life.sent == [("a", life.first.store.node)]

    day(play)


def test_a_task_that_nobody_else_knows_of_is_started_by_who_created_it() -> None:
    async def play(life: Life) -> None:
        life.first.process.stop()
        await life.create(life.second, "a", after=1)
        begun = life.now()
        while not life.sent:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert life.sent == [("a", life.second.store.node)]
        assert life.now() - begun < 1.2

    day(play)


def test_what_only_a_dead_node_knew_of_is_started_by_the_other_long_before_it_is_dead_for_it() -> None:
    async def play(life: Life) -> None:
        await life.create(life.first, "a", after=8)
        await asyncio.sleep(6)  # the other one has looked by then
        await life.servers.end(life.first, kill=True)
        await asyncio.sleep(2.3)
        assert life.sent == [("a", life.second.store.node)]

    day(play)


def test_attempts_of_a_dead_node_are_made_again_and_once() -> None:
    async def play(life: Life) -> None:
        life.servers.handlers.patience = 10_000.0
        for task in "abc":
            await life.create(life.first, task)
        await asyncio.sleep(0.01)
        await life.servers.end(life.first, kill=True)
        life.servers.handlers.patience = 0.01
        await asyncio.sleep(DEAD_AFTER - 1)
        assert len(life.sent) == 3
        await asyncio.sleep(6)
        again = life.second.store.node
        assert sorted(life.sent[3:]) == [("a", again), ("b", again), ("c", again)]
        await asyncio.sleep(60)
        assert len(life.sent) == 6

    day(play)


def test_attempts_of_a_node_that_starts_again_by_its_name_are_made_again_at_once() -> None:
    async def play(life: Life) -> None:
        life.servers.handlers.patience = 10_000.0
        await life.create(life.first, "a")
        await asyncio.sleep(0.01)
        await life.servers.end(life.first, kill=True)
        life.servers.handlers.patience = 0.01
        life.servers.begin(life.first.name)
        await asyncio.sleep(1.5)
        assert len(life.sent) == 2

    day(play)


def test_a_node_that_is_cut_off_starts_nothing_once_others_may_take_it_for_dead() -> None:
    async def play(life: Life) -> None:
        await life.create(life.first, "a", after=300)
        engine = life.first.engine
        assert engine is not None
        assert engine._life is not None
        life.first.way.cut = True
        await asyncio.sleep(TRUSTED_FOR + 0.1)
        assert not engine._life.trusted
        stored = await life.servers.memory.read(lambda tx: tx.queue(QUEUE))
        assert stored is not None
        task = await life.servers.memory.read(lambda tx: tx.task(stored, "a", body=True))
        assert task is not None

        async def dispatched() -> None:  # as a claim that was answered late
            engine.dispatcher.dispatch(stored.queue, stored.id, [task.dispatched(life.servers.clock.now())])

        await life.first.process.start(dispatched())
        await asyncio.sleep(0.5)
        assert engine.under_way.attempts == 1
        await asyncio.sleep(DEAD_AFTER)
        assert life.sent == []
        life.first.way.cut = False
        await asyncio.sleep(5)
        assert life.sent == []
        assert engine.under_way.attempts == 0
        assert engine._life.trusted  # joined anew

    day(play)


def test_a_node_that_was_away_for_a_while_goes_on_with_what_it_had_claimed() -> None:
    async def play(life: Life) -> None:
        for node in life.servers.nodes:
            node.way.cut = True  # the database is away, for both
        await asyncio.sleep(60)
        lives = {node.store.node for node in life.servers.nodes}
        for node in life.servers.nodes:
            node.way.cut = False
        await asyncio.sleep(30)
        assert {node.store.node for node in life.servers.nodes} == lives, "time without a store proves nothing"

    day(play)


def test_an_operation_whose_node_is_no_more_goes_on_elsewhere() -> None:
    async def play(life: Life) -> None:
        workers = [Counting(1000, step=10), Counting(1000, step=10)]
        for node, worker in zip((life.first, life.second), workers, strict=True):
            assert node.engine is not None
            node.engine.long_running.add_workers({"count": worker})
        runner = life.first.engine.long_running  # type: ignore[union-attr]
        begun = await life.first.process.start(runner.begin("count", QUEUE, b""))
        await asyncio.sleep(1)
        await life.servers.end(life.first, kill=True)
        done = len(workers[0].done)
        assert 0 < done < 1000
        await asyncio.sleep(60)
        other = life.second.engine
        assert other is not None
        found = await life.second.process.start(other.long_running.get(OperationName(begun.name)))
        assert found.done
        assert len(workers[1].done) >= 1000 - done - 10

    day(play)


async def _commit_late(life: Life, task: str, seconds: float) -> None:
    """A create of ``second`` that waits and that the store commits so many seconds after it has begun. Meanwhile
    ``first`` starts a task.
    """
    await life.create(life.first, f"{task}-before", after=seconds * 0.9)
    way, memory = life.second.way, life.servers.memory
    there = way.there

    async def slow() -> None:
        await asyncio.sleep(seconds)

    way.there = slow  # type: ignore[method-assign]
    creating = asyncio.ensure_future(life.create(life.second, task))
    await asyncio.sleep(seconds - 0.01)
    way.there = there  # type: ignore[method-assign]
    memory.held_now = 1.0  # so it is not started as it is stored
    await asyncio.sleep(0.02)
    memory.held_now = 0.0
    await creating


def test_no_task_is_before_the_head_of_its_queue_unless_its_commit_was_late(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play(life: Life) -> None:
        await _commit_late(life, "a", 0.9)
        assert life.servers.memory.broken == []
        monkeypatch.setattr(heads, "HEAD_SLACK", 0)
        await _commit_late(life, "b", 0.9)
        assert [each.split(",")[0] for each in life.servers.memory.broken] == [f"b waits in {QUEUE}"]

    day(play)


def test_a_task_that_was_committed_after_the_head_had_passed_it_is_found_within_a_minute() -> None:
    async def play(life: Life) -> None:
        await _commit_late(life, "a", 8.0)
        await life.servers.end(life.second, kill=True)  # who alone knows how late it was
        await asyncio.sleep(70)
        assert ("a", life.first.store.node) in life.sent

    day(play)
