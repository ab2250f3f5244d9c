"""Redriving and purging dead tasks over the operator's API."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.api.operator.living import QUEUE, Life, lived
from tests.api.operator.test_dead_letters import ONCE, died, ids, shelf

from tidegate.api.operator.redrive import read_dead_selection
from tidegate.core.errors import InvalidArgument, NotFound
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue, State
from tidegate.schema.names import unpack
from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc

OTHER = QueueName.of("p", "us-central1", "other")
HOUR = timedelta(hours=1)


async def ended(life: Life, row: Rpc[Any, Any], **fields: Any) -> Any:
    """What the operation did."""
    life.engine.serve_dead_tasks(read_dead_selection)
    begun = await life.call(row, parent=QUEUE, **fields)
    await asyncio.sleep(5)
    operation = begun if begun.done else await life.call(Operator.get_operation, name=begun.name)
    assert operation.done
    return unpack(operation.response)


async def waiting(life: Life, queue: QueueName = QUEUE) -> list[str]:
    return [task.name.task for task in await life.engine.tasks.list(queue, "", 1000, body=False)]


async def paused(life: Life) -> None:
    await life.engine.queues.pause(QUEUE)


def test_all_of_a_queue_are_driven_again_and_delivered() -> None:
    async def story(life: Life) -> None:
        await died(life, "a", "b")
        life.network.answer = lambda _: Outcome(http_status=200)
        result = await ended(life, Operator.redrive_dead_tasks)
        assert (result.matched, result.changed) == (2, 2)
        assert life.sent[-2:] == ["a", "b"]
        assert await waiting(life) == ids((await shelf(life)).dead_tasks) == []

    lived(story, ONCE)


def test_those_that_a_filter_chooses_go_to_another_queue() -> None:
    async def story(life: Life) -> None:
        await died(life, "a")
        await died(life, "b", status=404)
        await life.engine.queues.create(Queue(name=OTHER, state=State.PAUSED))
        asked = {"filter": "last_attempt.http_status=404", "to_queue": OTHER}
        counted = await ended(life, Operator.redrive_dead_tasks, **asked, validate_only=True)
        assert (counted.matched, counted.changed) == (1, 0)
        assert (await ended(life, Operator.redrive_dead_tasks, **asked)).changed == 1
        assert await waiting(life, OTHER) == ["b"]
        assert ids((await shelf(life)).dead_tasks) == ["a"]

    lived(story, ONCE)


def test_named_ones_go_at_their_time_with_their_counts() -> None:
    async def story(life: Life) -> None:
        await died(life, "a", "b")
        await paused(life)
        names = [dead.name for dead in (await shelf(life)).dead_tasks]
        at = life.clock.now() + HOUR
        result = await ended(life, Operator.redrive_dead_tasks, names=names, at=at, spread=HOUR, keep_counts=True)
        assert result.changed == 2
        tasks = await life.engine.tasks.list(QUEUE, "", 10, body=False)
        assert [task.schedule_time - at for task in tasks] == [HOUR / 2, timedelta()]
        assert [task.dispatch_count for task in tasks] == [1, 1]

    lived(story, ONCE)


def test_what_cannot_be_driven_is_told_by_name() -> None:
    async def story(life: Life) -> None:
        await died(life, "a")
        (dead,) = (await shelf(life)).dead_tasks
        await paused(life)
        await asyncio.sleep(3601)  # its name is free again
        await life.create("a")
        result = await ended(life, Operator.redrive_dead_tasks)
        assert (result.matched, result.changed) == (1, 0)
        (failure,) = result.failures
        assert (failure.name, failure.status.code) == (dead.name, 6)
        assert ids((await shelf(life)).dead_tasks) == ["a"]

    lived(story, ONCE)


@pytest.mark.parametrize(
    "fields",
    [
        {"names": ["x"], "filter": "reason=TTL"},
        {"names": ["projects/p/locations/us-central1/queues/other/deadTasks/1"]},
        {"filter": "nosuch=1"},
        {"to_queue": "other"},
        {"spread": timedelta(days=31)},
        {"spread": timedelta(seconds=-1)},
    ],
)
def test_what_cannot_be_asked_is_refused(fields: dict[str, Any]) -> None:
    async def story(life: Life) -> None:
        with pytest.raises(InvalidArgument):
            await ended(life, Operator.redrive_dead_tasks, **fields)

    lived(story)


def test_a_time_too_far_ahead_or_a_queue_that_is_not_there_is_refused() -> None:
    async def story(life: Life) -> None:
        with pytest.raises(InvalidArgument):
            await ended(life, Operator.redrive_dead_tasks, at=life.clock.now() + timedelta(days=31))
        for fields in ({"to_queue": OTHER}, {"names": [f"{QUEUE}/deadTasks/x"]}):
            with pytest.raises(NotFound):
                await ended(life, Operator.redrive_dead_tasks, **fields)

    lived(story)


def test_a_purge_deletes_those_that_its_filter_chooses() -> None:
    async def story(life: Life) -> None:
        await died(life, "a", "b")
        await died(life, "c", status=404)
        assert (await ended(life, Operator.purge_dead_tasks, validate_only=True)).matched == 3
        assert (await ended(life, Operator.purge_dead_tasks, filter="last_attempt.http_status=404")).changed == 1
        assert ids((await shelf(life)).dead_tasks) == ["b", "a"]
        assert (await ended(life, Operator.purge_dead_tasks)).changed == 2
        with pytest.raises(InvalidArgument):
            await ended(life, Operator.purge_dead_tasks, filter="=")

    lived(story, ONCE)
