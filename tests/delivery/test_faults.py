"""Attempts meet the faults of their queue; others pass untouched."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from tests.simulation.virtual_time import VirtualClock, run

from tidegate.core.faults import (
    Delay,
    DropResponse,
    Duplicate,
    Effect,
    FacedAttempt,
    Fault,
    FaultMatch,
    Hang,
    NoAnswer,
    Refuse,
    StatusAnswer,
    met_by,
)
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.target import HttpCall
from tidegate.delivery.faults import FaultySender, faced
from tidegate.engine.faults import Faults
from tidegate.engine.ports.events import AllDeleted, QueueDeleted
from tidegate.engine.ports.world import SendReport

SECOND = timedelta(seconds=1)
QUEUE = QueueName.of("p", "l", "q")
DELIVERED = Outcome(200)
TIMED_OUT = Outcome(timed_out=True, reason="no whole answer within the deadline")


class Handler:
    """``ports.Sender`` that notes when each call came; an answer takes ``seconds``."""

    connections_kept_for = 4.0
    seconds = 1.0
    outcome = DELIVERED

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self.calls: list[tuple[float, HttpCall]] = []
        self.closed = False

    async def send(self, call: HttpCall, authorization: str | None, report: SendReport | None = None) -> Outcome:
        self.calls.append((self._clock.monotonic(), call))
        await asyncio.sleep(self.seconds)
        return self.outcome

    async def close(self) -> None:
        self.closed = True


class Life:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.handler = Handler(self.clock)
        self.faults = Faults(self.clock)
        self.sender = FaultySender(self.handler, self.faults, self.clock)

    def fault(self, effect: Effect, fault_id: str = "f", **more: Any) -> None:
        self.faults.add(QUEUE, Fault(id=fault_id, effect=effect, **more))

    async def send(self, task: str = "t", attempt: int = 1, report: SendReport | None = None) -> Outcome:
        return await self.sender.send(call(task, attempt), None, report)

    @property
    def arrived(self) -> list[float]:
        return [at for at, _ in self.handler.calls]


def call(task: str = "t", attempt: int = 1, queue: str = QUEUE) -> HttpCall:
    headers = (("X-CloudTasks-TaskName", task), ("X-CloudTasks-TaskRetryCount", str(attempt - 1)))
    return HttpCall("POST", "https://handler.test/work", headers, b"", 30 * SECOND, queue=queue)


def lived(story: Callable[[Life], Awaitable[None]]) -> None:
    async def day() -> None:
        await story(Life())

    run(day())


@pytest.mark.parametrize(
    ("effect", "outcome", "seconds", "sent"),
    [
        (Refuse(), Outcome(reason="connection refused"), 0, []),
        (StatusAnswer(418), Outcome(418), 0, []),
        (StatusAnswer(503, 7 * SECOND), Outcome(503, retry_after=7 * SECOND), 0, []),
        (StatusAnswer(500, 7 * SECOND), Outcome(500), 0, []),
        (NoAnswer(), Outcome(reason="connection closed without an answer"), 0, []),
        (Hang(), TIMED_OUT, 30, []),
        (Delay(5 * SECOND), DELIVERED, 6, [5]),
        (Delay(40 * SECOND), TIMED_OUT, 30, []),
        (DropResponse(), TIMED_OUT, 1, [0]),
        (Duplicate(2, timedelta()), DELIVERED, 1, [0, 0]),
    ],
)
def test_what_an_attempt_meets(effect: Effect, outcome: Outcome, seconds: float, sent: list[float]) -> None:
    async def story(life: Life) -> None:
        life.fault(effect)
        report = SendReport(life.clock.monotonic)
        assert await life.send(report=report) == outcome
        assert life.clock.monotonic() == pytest.approx(seconds)
        assert life.arrived == pytest.approx(sent)
        assert report.fault == "f"
        assert life.faults.get(QUEUE, "f").hit_count == 1

    lived(story)


def test_copies_that_come_after_the_first_answer_are_sent_too_and_the_first_answer_counts() -> None:
    async def story(life: Life) -> None:
        life.fault(Duplicate(3, 10 * SECOND))
        assert await life.send() == DELIVERED
        assert life.clock.monotonic() == pytest.approx(1)
        await asyncio.sleep(60)
        assert life.arrived == pytest.approx([0, 10, 20])

    lived(story)


def test_copies_end_with_their_attempt_and_with_the_sender() -> None:
    async def story(life: Life) -> None:
        life.fault(Duplicate(2, 5 * SECOND))
        sending = asyncio.ensure_future(life.send())
        await asyncio.sleep(0.5)
        sending.cancel()
        await asyncio.wait([sending])
        await asyncio.sleep(20)
        assert len(life.arrived) == 1
        await life.send()
        await life.sender.close()
        assert life.handler.closed
        await asyncio.sleep(20)
        assert len(life.arrived) == 2

    lived(story)


def test_a_delay_leaves_less_time_for_the_rest() -> None:
    async def story(life: Life) -> None:
        life.fault(Delay(10 * SECOND))
        await life.send()
        (_, sent) = life.handler.calls[0]
        assert sent.timeout == 20 * SECOND

    lived(story)


def test_a_response_that_never_came_cannot_be_dropped() -> None:
    async def story(life: Life) -> None:
        life.fault(DropResponse())
        life.handler.outcome = Outcome(reason="connection refused")
        assert await life.send() == Outcome(reason="connection refused")

    lived(story)


def test_faults_come_in_their_order_and_the_first_that_sends_nothing_is_the_last() -> None:
    async def story(life: Life) -> None:
        life.fault(DropResponse(), "drops")
        life.fault(Delay(2 * SECOND), "delays")
        life.fault(Duplicate(2, SECOND), "doubles")
        report = SendReport(life.clock.monotonic)
        assert await life.send(report=report) == TIMED_OUT
        assert report.fault == "delays,doubles,drops"
        assert life.arrived == pytest.approx([2, 3]) or life.arrived == pytest.approx([2])
        life.fault(StatusAnswer(404), "says")
        report = SendReport(life.clock.monotonic)
        assert await life.send(report=report) == Outcome(404)
        assert report.fault == "says"
        assert life.faults.get(QUEUE, "delays").hit_count == 1

    lived(story)


def test_other_queues_and_attempts_that_do_not_match_pass_untouched() -> None:
    async def story(life: Life) -> None:
        life.fault(Refuse(), match=FaultMatch("bad-", None, 2, 3))
        untouched = call("bad-1", 2, QUEUE + "2")
        assert await life.sender.send(untouched, None) == DELIVERED
        assert life.handler.calls[-1][1] is untouched
        assert await life.send("good-1", 2) == DELIVERED
        for attempt, refused in ((1, False), (2, True), (3, True), (4, False)):
            assert (await life.send("bad-1", attempt) != DELIVERED) is refused

    lived(story)


def test_a_fault_is_spent_after_so_many_and_over_at_its_time() -> None:
    async def story(life: Life) -> None:
        life.fault(Refuse(), "twice", remaining=2)
        assert [await life.send() == DELIVERED for _ in range(4)] == [False, False, True, True]
        spent = life.faults.get(QUEUE, "twice")
        assert (spent.remaining, spent.hit_count) == (0, 2)
        life.fault(Refuse(), "until", expire_time=life.clock.now() + 10 * SECOND)
        assert await life.send() != DELIVERED
        await asyncio.sleep(10)
        assert await life.send() == DELIVERED
        assert [fault.id for fault in life.faults.list(QUEUE)] == ["twice"]

    lived(story)


def test_faults_go_with_their_queue_and_with_a_reset() -> None:
    async def story(life: Life) -> None:
        life.fault(Refuse())
        life.faults.emit(QueueDeleted(QueueName.of("p", "l", "other")))
        assert QUEUE in life.faults
        life.faults.emit(QueueDeleted(QUEUE))
        assert QUEUE not in life.faults
        life.fault(Refuse())
        life.faults.emit(AllDeleted())
        assert await life.send() == DELIVERED

    lived(story)


NOON = datetime.fromisoformat("2026-03-01T12:00:00+00:00")


def test_the_dice_fall_the_same_for_a_task_and_an_attempt_and_as_often_as_was_said() -> None:
    half = Fault(id="half", effect=Refuse(), probability=0.5)
    attempts = [FacedAttempt(f"t{number}", 1 + number % 7, "") for number in range(2000)]
    met = [bool(met_by(each, [half], NOON)) for each in attempts]
    assert met == [bool(met_by(each, [half], NOON)) for each in attempts]
    assert 900 < sum(met) < 1100
    other = [bool(met_by(each, [replace(half, id="other half")], NOON)) for each in attempts]
    assert 400 < sum(each and one for each, one in zip(met, other, strict=True)) < 600
    assert not any(met_by(each, [replace(half, probability=0.0)], NOON) for each in attempts)
    assert all(met_by(each, [replace(half, probability=1.0)], NOON) for each in attempts)


def test_a_task_cannot_pretend_to_be_another() -> None:
    mine = (("X-CloudTasks-TaskName", "pretended"), *call("real", 4).headers)
    assert faced(replace(call(), headers=mine)) == FacedAttempt("real", 4, "https://handler.test/work")
    app_engine = (("X-AppEngine-TaskName", "app"), ("X-AppEngine-TaskRetryCount", "2"))
    assert faced(replace(call(), headers=app_engine)).number == 3
