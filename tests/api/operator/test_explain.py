"""Every reason in a scripted situation, and tasks that start when they were said to."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.core.errors import NotFound
from tidegate.core.explain.values import Code, Reason, State
from tidegate.core.lease import LeaseFilter
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import HttpTarget, Kind, OidcToken, Queue, RateLimits, RetryConfig, UriOverride
from tidegate.core.queue import State as QueueState
from tidegate.core.times import Duration
from tidegate.core.validation import HttpDraft, PullDraft
from tidegate.engine import body_budget, under_way
from tidegate.engine.connection_budget import SLICE
from tidegate.engine.explaining import HOLDS
from tidegate.engine.held_by import HoldCode
from tidegate.engine.movable_clock import MovableClock
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.events import AttemptStarted
from tidegate.engine.ports.store import StoreError, StoreFullError
from tidegate.engine.ports.world import MintError
from tidegate.schema.operator import Operator
from tidegate.schema.operator.explain import Explanation
from tidegate.schema.operator.explain import Reason as ReasonMessage

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
CLOSE = timedelta(milliseconds=10)
Shown = Explanation.State
FAST = RateLimits(1000, 1000, 1000)


def queue(limits: RateLimits = FAST, **settings: Any) -> Queue:
    return Queue(name=QUEUE, rate_limits=limits, **settings)


async def explained(life: Life, task_id: str, *, probe: bool = False) -> Explanation:
    said: Explanation = await life.call(Operator.explain_task, name=f"{QUEUE}/tasks/{task_id}", probe=probe)
    assert said.name == f"{QUEUE}/tasks/{task_id}"
    assert all(reason.text.endswith(".") for reason in said.reasons)
    return said


async def of_queue(life: Life) -> Explanation:
    said: Explanation = await life.call(Operator.explain_queue, name=QUEUE)
    return said


def codes(said: Explanation) -> list[str]:
    return [reason.code.name for reason in said.reasons]


def span(said: Explanation) -> tuple[datetime, datetime]:
    """Since when and until when the decisive reason holds."""
    reason = said.reasons[0]
    assert reason.since is not None
    assert reason.until is not None
    return reason.since, reason.until


def started(life: Life, task_id: str) -> list[datetime]:
    return [
        event.at for event in life.notes.events if isinstance(event, AttemptStarted) and event.task.name.task == task_id
    ]


async def run_when_it_was_said(life: Life, said: Mapping[str, Explanation], asked: datetime) -> None:
    """Wait for the next attempt of each task, which starts within 10 ms of what was said when it was ``asked``."""
    for task_id, explanation in said.items():
        assert explanation.will_run_time is not None
        await asyncio.sleep(max(0.0, (explanation.will_run_time - life.clock.now()) / SECOND) + 0.05)
        (at,) = [each for each in started(life, task_id) if each >= asked]
        assert abs(at - explanation.will_run_time) <= CLOSE, task_id


# Tasks that wait


def test_a_scheduled_task_starts_when_it_was_said_to() -> None:
    async def story(life: Life) -> None:
        await life.create("t", 90 * SECOND)
        said = await explained(life, "t")
        assert (said.state, codes(said)) == (Shown.SCHEDULED, ["NOT_YET_DUE"])
        assert said.reasons[0].until == said.will_run_time
        assert codes(await of_queue(life)) == ["NOT_YET_DUE"]
        assert (await of_queue(life)).will_run_time == said.will_run_time
        await run_when_it_was_said(life, {"t": said}, life.clock.now())

    lived(story, queue())


def test_a_task_that_backs_off_starts_when_it_was_said_to() -> None:
    async def story(life: Life) -> None:
        life.network.answer = lambda _: Outcome(500)
        await life.create("t")
        await asyncio.sleep(8)  # 1, 2 and 4 s were over
        said = await explained(life, "t")
        assert (said.state, codes(said)) == (Shown.SCHEDULED, ["BACKING_OFF"])
        assert said.reasons[0].details["attempts_left"] == "6"
        assert "HTTP status code 500" in said.reasons[0].text
        await run_when_it_was_said(life, {"t": said}, life.clock.now())

    lived(story, queue(retry_config=RetryConfig(max_attempts=10, min_backoff=Duration(1))))


@pytest.mark.parametrize("rate", [0.1, 3.0, 17.0, 40.0, 333.0])
def test_rate_limited_tasks_start_when_they_were_said_to(rate: float) -> None:
    async def story(life: Life) -> None:
        for number in range(60):
            await life.create(f"t{number}")
        await asyncio.sleep(0.03)
        waiting = [f"t{number}" for number in range(60) if not started(life, f"t{number}")]
        assert len(waiting) > 10
        said = {each: await explained(life, each) for each in (waiting[0], waiting[7], waiting[-1])}
        for each, explanation in said.items():
            assert (explanation.state, codes(explanation)) == (Shown.DUE, ["RATE_LIMITED"])
            place = explanation.reasons[0].details.get("ahead", "0")
            assert int(place) == waiting.index(each)
        assert codes(await of_queue(life)) == ["RATE_LIMITED"]
        await run_when_it_was_said(life, said, life.clock.now())

    lived(story, queue(RateLimits(rate, 5, 1000)))


def test_tasks_of_a_slowed_queue_start_when_they_were_said_to() -> None:
    async def story(life: Life) -> None:
        for number in range(10):
            await life.create(f"warm{number}")
        await asyncio.sleep(0.5)
        life.network.answer = lambda _: Outcome(503)
        await life.create("asks")
        await asyncio.sleep(0.5)
        life.network.answer = lambda _: Outcome(200)
        await asyncio.gather(*[life.create(f"t{number:02}") for number in range(60)])
        await asyncio.sleep(0.05)
        waiting = [f"t{number:02}" for number in range(60) if not started(life, f"t{number:02}")]
        said = {each: await explained(life, each) for each in (waiting[0], waiting[9], waiting[-1])}
        for explanation in said.values():
            assert (explanation.state, codes(explanation)) == (Shown.DUE, ["THROTTLED"])
            assert explanation.reasons[0].since is not None
            assert explanation.reasons[0].details["ended"] != "0"
        await run_when_it_was_said(life, said, life.clock.now())

    lived(story, queue(RateLimits(4, 4, 1000), retry_config=RetryConfig(min_backoff=Duration(3600))))


def test_a_queue_that_ramps_up_says_so() -> None:
    async def story(life: Life) -> None:
        await asyncio.gather(*[life.create(str(number)) for number in range(1500)])
        seen = set()
        for _ in range(200):
            await asyncio.sleep(0.002)
            seen.update(codes(await explained(life, "1499")))
        assert "RAMPING_UP" in seen
        assert "RATE_LIMITED" not in seen

    lived(story, queue(RateLimits(5000, 1000, 5000)), rules=OperatorRules(ramp_up=True))


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


# What is about this node


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


# Pull queues


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


# What the next attempt would meet


@pytest.mark.parametrize(
    "code", [Code.FORBIDDEN_ADDRESS, Code.NAME_NOT_FOUND, Code.CONNECTION_REFUSED, Code.TLS_FAILED]
)
def test_what_the_next_attempt_would_meet(code: Code) -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        met = Reason(code, "It was met.")
        if code is Code.FORBIDDEN_ADDRESS:
            life.prober.known = met
            assert codes(await explained(life, "t")) == ["NOT_YET_DUE", code.name]
        else:
            life.prober.shown = met
            assert codes(await explained(life, "t")) == ["NOT_YET_DUE"]
        said = await explained(life, "t", probe=True)
        assert codes(said) == ["NOT_YET_DUE", code.name]
        assert life.network.calls == []

    lived(story)


def test_a_request_that_cannot_be_sent() -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        bad = HttpTarget(uri_override=UriOverride(port=99_999))
        await life.engine.queues.update(QUEUE, lambda found: replace(found or queue(), http_target=bad))
        said = await explained(life, "t")
        assert codes(said) == ["NOT_YET_DUE", "UNSENDABLE"]
        assert "the URL cannot be called" in said.reasons[1].text

    lived(story)


def test_a_token_that_would_go_over_http() -> None:
    async def story(life: Life) -> None:
        await life.create("t", HOUR)
        routing = HttpTarget(token=OidcToken("a@b.test"))
        await life.engine.queues.update(QUEUE, lambda found: replace(found or queue(), http_target=routing))
        assert codes(await explained(life, "t")) == ["NOT_YET_DUE", "UNSENDABLE"]

    lived(story, rules=OperatorRules(https_tokens=True))


class BrokenMint:
    async def authorization(self, token: object) -> str:
        raise MintError("no such account")


class SilentMint:
    async def authorization(self, token: object) -> str:
        await asyncio.sleep(3600)
        return ""


@pytest.mark.parametrize(
    ("mint", "why"), [(BrokenMint(), "no token: no such account"), (SilentMint(), "did not answer within 5 s")]
)
def test_a_source_of_tokens_that_fails(mint: Any, why: str) -> None:
    async def story(life: Life) -> None:
        target = HttpDraft("https://handler.test/", token=OidcToken("a@b.test"))
        await life.create("t", HOUR, target=target)
        said = await explained(life, "t")
        assert codes(said) == ["NOT_YET_DUE", "TOKEN_SOURCE_FAILS"]
        assert why in said.reasons[1].text

    lived(story, mint=mint)


# Tasks that are gone


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
