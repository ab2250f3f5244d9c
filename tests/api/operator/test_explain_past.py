"""What becomes of a task that is no longer there."""

from __future__ import annotations

import asyncio

import pytest
from tests.api.operator.explaining import HOUR, Shown, codes, explained, queue, span
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.core.errors import NotFound
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import RetryConfig
from tidegate.core.times import Duration
from tidegate.schema.operator import Operator


def test_a_task_that_was_given_up_lies_on_the_shelf() -> None:
    async def story(life: Life) -> None:
        life.network.answer = lambda _: Outcome(500)
        await life.create("t")
        await asyncio.sleep(5)
        said = await explained(life, "t")
        assert (said.state, codes(said), said.will_run_time) == (Shown.DEAD, ["DIED"], None)
        (reason,) = said.reasons
        assert "given up after 2 attempts (ATTEMPTS): HTTP 500 from handler.test" in reason.text
        assert reason.details["dead_task"].startswith(f"{QUEUE}/deadTasks/")
        since, until = span(said)
        assert since < life.clock.now() < until

    lived(story, queue(retry_config=RetryConfig(max_attempts=2, min_backoff=Duration(1))))


def test_a_task_that_was_delivered_or_deleted_leaves_its_name() -> None:
    async def story(life: Life) -> None:
        await life.create("delivered")
        await life.create("deleted", HOUR)
        await life.engine.tasks.delete(QUEUE.task("deleted"))
        await asyncio.sleep(1)
        for task_id in ("delivered", "deleted"):
            said = await explained(life, task_id)
            assert (said.state, codes(said)) == (Shown.FINISHED_OR_DELETED, ["FINISHED_OR_DELETED"])
        await asyncio.sleep(4000)
        assert codes(await explained(life, "deleted")) == ["NEVER_EXISTED"]

    lived(story)


def test_a_task_that_never_was_and_one_of_no_queue() -> None:
    async def story(life: Life) -> None:
        said = await explained(life, "never")
        assert (said.state, codes(said), said.will_run_time) == (Shown.UNKNOWN, ["NEVER_EXISTED"], None)
        with pytest.raises(NotFound, match="Queue does not exist"):
            await life.call(Operator.explain_task, name=f"{QUEUE}x/tasks/t")
        with pytest.raises(NotFound, match="Queue does not exist"):
            await life.call(Operator.explain_queue, name=f"{QUEUE}x")

    lived(story)
