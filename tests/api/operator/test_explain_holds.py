"""Each reason why a task does not start, in a scripted situation."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.api.operator.explaining import HOUR, SECOND, Shown, codes, explained, of_queue, queue, span, started
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.core.explain.values import Code, State
from tidegate.core.lease import LeaseFilter
from tidegate.core.queue import Kind, Queue, RateLimits, RetryConfig
from tidegate.core.queue import State as QueueState
from tidegate.core.validation import HttpDraft, PullDraft
from tidegate.engine import body_budget, under_way
from tidegate.engine.connection_budget import SLICE
from tidegate.engine.explaining import HOLDS
from tidegate.engine.held_by import HoldCode
from tidegate.engine.movable_clock import MovableClock
from tidegate.engine.ports.store import StoreError, StoreFullError
from tidegate.schema.operator import Operator
from tidegate.schema.operator.explain import Reason as ReasonMessage


def test_a_task_that_nothing_holds_is_due_now_and_then_under_way() -> None:
    async def story(life: Life) -> None:
        life.network.seconds = 5.0
        await asyncio.gather(*[life.create(str(number)) for number in range(SLICE + 1)])
        last = str(SLICE)
        said = await explained(life, last)
        assert said.state == Shown.DUE
        assert codes(said) in (["DUE_NOW"], ["OPENING_CONNECTIONS"])
        await asyncio.sleep(1)
        said = await explained(life, last)
        assert (said.state, codes(said), said.will_run_time) == (Shown.IN_FLIGHT, ["IN_FLIGHT"], None)
        since, until = span(said)
        assert until - since == timedelta(minutes=10)
        assert codes(await of_queue(life)) == ["IN_FLIGHT"]

    lived(story, queue())


def test_an_empty_queue_has_nothing_in_its_way() -> None:
    async def story(life: Life) -> None:
        said = await of_queue(life)
        assert (said.state, codes(said), said.name) == (Shown.UNKNOWN, ["DUE_NOW"], QUEUE)

    lived(story)


@pytest.mark.parametrize(
    ("state", "code"), [(QueueState.PAUSED, "QUEUE_PAUSED"), (QueueState.DISABLED, "QUEUE_DISABLED")]
)
def test_a_queue_that_does_not_dispatch(state: QueueState, code: str) -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        await life.engine.queues.update(QUEUE, lambda found: replace(found or queue(), state=state))
        await asyncio.sleep(1)
        said = await explained(life, "t")
        assert codes(said) == [code, "NOT_YET_DUE"]
        assert said.will_run_time is None
        assert said.reasons[0].since is not None
        assert codes(await of_queue(life)) == [code, "NOT_YET_DUE"]
        await life.engine.queues.resume(QUEUE)
        await asyncio.sleep(1)
        assert codes(await explained(life, "t")) == ["NOT_YET_DUE"]

    lived(story)


def test_a_queue_with_all_its_attempts_under_way_names_the_longest() -> None:
    async def story(life: Life) -> None:
        life.network.seconds = 100.0
        for number in range(8):
            await life.create(str(number))
            await asyncio.sleep(0.1)
        said = await explained(life, "7")
        assert (codes(said), said.will_run_time) == (["CONCURRENCY_FULL"], None)
        details = said.reasons[0].details
        assert [details[f"longest_{place}"] for place in range(1, 6)] == [f"{QUEUE}/tasks/{at}" for at in range(5)]
        assert "longest_6" not in details
        assert details["ahead"] == "1"
        assert codes(await of_queue(life)) == ["CONCURRENCY_FULL"]

    lived(story, queue(RateLimits(100, 100, 6)))


def test_attempts_that_need_connections_wait_until_some_may_be_opened() -> None:
    async def story(life: Life) -> None:
        await asyncio.gather(*[life.create(str(number)) for number in range(5 * SLICE)])
        seen: set[str] = set()
        for _ in range(10):
            await asyncio.sleep(0.0005)
            seen.update(codes(await explained(life, str(5 * SLICE - 1))))
        assert "OPENING_CONNECTIONS" in seen

    lived(story, queue())


def test_a_node_that_carries_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_way, "MOST_ATTEMPTS", 2)

    async def story(life: Life) -> None:
        life.network.seconds = 100.0
        for number in range(4):
            await life.create(str(number))
        await asyncio.sleep(2)
        assert codes(await explained(life, "3")) == ["SERVER_FULL"]

    lived(story)


def test_a_long_task_without_room_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_budget, "BULK_LIMIT", 100_000)

    async def story(life: Life) -> None:
        life.network.seconds = 100.0
        for number in range(4):
            await life.create(str(number), target=HttpDraft("http://handler.test/", body=b"x" * 20_000))
        await asyncio.sleep(2)
        said = await explained(life, "3")
        assert codes(said) == ["SERVER_FULL"]
        assert "a long one" in said.reasons[0].text

    lived(story)


@pytest.mark.parametrize("error", [StoreFullError("full"), StoreError("broken")])
def test_a_store_that_takes_no_claim(error: StoreError) -> None:
    async def story(life: Life) -> None:
        await life.create("t", 2 * SECOND)
        write = life.store.write

        async def failing(work: object, **more: object) -> object:
            raise error

        life.store.write = failing  # type: ignore[method-assign, assignment]
        await asyncio.sleep(2.5)
        assert codes(await explained(life, "t")) == ["DISK_FULL"]
        life.store.write = write  # type: ignore[method-assign]
        await asyncio.sleep(2)
        assert started(life, "t")

    lived(story)


def test_a_node_that_is_about_to_stop() -> None:
    async def story(life: Life) -> None:
        await life.create("t", SECOND)
        stopping = asyncio.ensure_future(life.engine.stop())
        await asyncio.sleep(2)
        assert codes(await explained(life, "t")) == ["DRAINING"]
        await stopping
        await life.engine.start()  # for the end of the day to stop

    lived(story)


def test_tasks_that_workers_lease() -> None:
    async def story(life: Life) -> None:
        async def lease() -> None:
            await life.engine.leases.lease(QUEUE, LeaseFilter(), 1, 30 * SECOND)

        await life.create("t", target=PullDraft(b"x"))
        assert codes(await explained(life, "t")) == ["DUE_NOW"]
        assert codes(await of_queue(life)) == ["DUE_NOW"]
        await lease()
        said = await explained(life, "t")
        assert (said.state, codes(said)) == (Shown.LEASED, ["LEASED"])
        assert said.reasons[0].until == life.clock.now() + 30 * SECOND
        await life.call(Operator.advance_clock, duration=31 * SECOND)
        await lease()
        assert isinstance(life.clock, MovableClock)
        life.clock.set(life.clock.setting.moved(life.clock.now() + 40 * SECOND, life.machine.now()))
        said = await explained(life, "t")  # before anybody else finds out
        assert (said.state, codes(said)) == (Shown.DUE, ["NO_LEASES_LEFT"])

    lived(story, Queue(name=QUEUE, kind=Kind.PULL, retry_config=RetryConfig(max_attempts=2)))


def test_explaining_is_not_for_tests_alone() -> None:
    async def story(life: Life) -> None:
        assert codes(await explained(life, "never")) == ["NEVER_EXISTED"]

    lived(story, dev=False)


def test_every_hold_of_the_scheduler_and_every_code_of_the_rules_has_its_word_in_the_api() -> None:
    assert set(HOLDS) == set(HoldCode)
    assert {code.name: code.value for code in ReasonMessage.Code if code.value} == {
        code.name: code.value for code in Code
    }
    assert {state.name: state.value for state in Shown if state.value} == {state.name: state.value for state in State}
