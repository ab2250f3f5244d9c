"""Faults over the operator's API: made, counted, listed, ended, and what cannot be one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.core.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, ResourceExhausted
from tidegate.core.queue import Queue, RetryConfig
from tidegate.core.times import Duration
from tidegate.engine import faults
from tidegate.schema.operator import Operator

SECOND = timedelta(seconds=1)
LOCATION = QUEUE.parent


async def create(life: Life, fault_id: str = "", **fault: Any) -> Any:
    return await life.call(Operator.create_fault, parent=QUEUE, fault=fault, fault_id=fault_id)


def test_a_task_meets_a_fault_until_it_is_spent() -> None:
    async def story(life: Life) -> None:
        made = await create(life, "first", status={"code": 503, "retry_after": 5 * SECOND}, remaining=2)
        assert (made.name, made.probability, made.remaining) == (f"{QUEUE}/faults/first", 1.0, 2)
        await life.create("t")
        await asyncio.sleep(30)
        assert life.sent == ["t"]
        seen = await life.call(Operator.get_fault, name=made.name)
        assert (seen.hit_count, seen.remaining, seen.status.code) == (2, 0, 503)
        assert seen.status.retry_after == 5 * SECOND

    lived(story, Queue(name=QUEUE, retry_config=RetryConfig(min_backoff=Duration(1))))


@pytest.mark.parametrize(
    "effect",
    [
        {"delay": {"duration": SECOND}},
        {"status": {"code": 200}},
        {"no_answer": {}},
        {"hang": {}},
        {"drop_response": {}},
        {"duplicate": {"times": 3, "spacing": SECOND}},
        {"refuse": {}},
    ],
)
def test_a_fault_reads_back_as_it_was_made(effect: dict[str, Any]) -> None:
    async def story(life: Life) -> None:
        match = {"task_prefix": "a", "url_regex": "^https?:", "attempt_from": 2, "attempt_to": 9}
        until = life.clock.now() + timedelta(hours=1)
        made = await create(life, "f", match=match, probability=0.25, remaining=7, expire_time=until, **effect)
        (listed,) = (await life.call(Operator.list_faults, parent=QUEUE)).faults
        assert listed == made == await life.call(Operator.get_fault, name=made.name)
        wanted = Operator.create_fault.response(
            name=made.name, match=match, probability=0.25, remaining=7, expire_time=until, **effect
        )
        assert made == wanted

    lived(story)


def test_a_fault_without_an_id_gets_one_and_an_id_is_given_once() -> None:
    async def story(life: Life) -> None:
        made = await create(life, refuse={})
        assert made.name.startswith(f"{QUEUE}/faults/")
        await create(life, "mine", refuse={})
        with pytest.raises(AlreadyExists, match="a fault mine already"):
            await create(life, "mine", hang={})

    lived(story)


def test_faults_are_listed_in_pages_and_ended_one_by_one_or_all() -> None:
    async def story(life: Life) -> None:
        for fault_id in ("c", "a", "b"):
            await create(life, fault_id, refuse={})
        page = await life.call(Operator.list_faults, parent=QUEUE, page_size=2)
        assert [fault.name[-1] for fault in page.faults] == ["a", "b"]
        rest = await life.call(Operator.list_faults, parent=QUEUE, page_size=2, page_token=page.next_page_token)
        assert ([fault.name[-1] for fault in rest.faults], rest.next_page_token) == (["c"], "")
        await life.call(Operator.delete_fault, name=f"{QUEUE}/faults/b")
        with pytest.raises(NotFound, match="no fault b"):
            await life.call(Operator.delete_fault, name=f"{QUEUE}/faults/b")
        with pytest.raises(NotFound, match="no fault b"):
            await life.call(Operator.get_fault, name=f"{QUEUE}/faults/b")
        assert (await life.call(Operator.clear_faults, parent=f"{LOCATION}2")).cleared == 0
        assert (await life.call(Operator.clear_faults, parent=LOCATION)).cleared == 2
        await life.create("t")
        await asyncio.sleep(1)
        assert life.sent == ["t"]

    lived(story)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({}, "Fault must say what it does"),
        ({"refuse": {}, "probability": 1.5}, "Fault.probability must be between 0 and 1, but it is 1.5"),
        ({"refuse": {}, "probability": float("nan")}, "Fault.probability must be between 0 and 1"),
        ({"refuse": {}, "remaining": 0}, "Fault.remaining must be at least 1"),
        ({"refuse": {}, "expire_time": "2020-01-01T00:00:00Z"}, "Fault.expireTime must be after the server's time"),
        ({"refuse": {}, "match": {"url_regex": "("}}, "Fault.match.urlRegex is not a regular expression"),
        ({"refuse": {}, "match": {"url_regex": "x" * 501}}, "urlRegex must have at most 500"),
        ({"refuse": {}, "match": {"task_prefix": "x" * 501}}, "taskPrefix must have at most 500"),
        ({"refuse": {}, "match": {"attempt_from": -1}}, "cannot be negative"),
        ({"refuse": {}, "match": {"attempt_from": 3, "attempt_to": 2}}, "must not be below attemptFrom"),
        ({"status": {"code": 99}}, "Fault.status.code must be between 200 and 599, but it is 99"),
        ({"status": {"code": 503, "retry_after": timedelta(hours=2)}}, "Fault.status.retryAfter must be between"),
        ({"delay": {"duration": timedelta(minutes=31)}}, "Fault.delay.duration must be between 0s and 1800s"),
        ({"duplicate": {"times": 1}}, "Fault.duplicate.times must be between 2 and 10, but it is 1"),
        ({"duplicate": {"times": 11}}, "Fault.duplicate.times must be between 2 and 10, but it is 11"),
        ({"duplicate": {"spacing": timedelta(seconds=-1)}}, "Fault.duplicate.spacing must be between"),
    ],
)
def test_what_cannot_be_a_fault_is_refused_with_the_rule(fault: dict[str, Any], why: str) -> None:
    async def story(life: Life) -> None:
        with pytest.raises(InvalidArgument, match=why):
            await create(life, "f", **fault)
        assert not (await life.call(Operator.list_faults, parent=QUEUE)).faults

    lived(story)


def test_ids_and_queues_that_cannot_be_and_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "FAULTS_MAX", 2)

    async def story(life: Life) -> None:
        with pytest.raises(InvalidArgument, match=r"faultId must be 1 to 100 letters"):
            await create(life, "a/b", refuse={})
        with pytest.raises(NotFound, match="Queue does not exist"):
            await life.call(Operator.create_fault, parent=f"{QUEUE}x", fault={"refuse": {}})
        with pytest.raises(NotFound, match="Queue does not exist"):
            await life.call(Operator.list_faults, parent=f"{QUEUE}x")
        await create(life, refuse={})
        await create(life, refuse={})
        with pytest.raises(ResourceExhausted, match="at most 2 faults"):
            await create(life, refuse={})

    lived(story)


def test_faults_go_with_their_queue() -> None:
    async def story(life: Life) -> None:
        await create(life, "f", refuse={})
        await life.engine.queues.delete(QUEUE)
        assert (await life.call(Operator.clear_faults, parent=LOCATION)).cleared == 0

    lived(story)


def test_without_dev_nothing_meets_a_fault() -> None:
    async def story(life: Life) -> None:
        for row in (Operator.create_fault, Operator.list_faults):
            with pytest.raises(FailedPrecondition, match="started with --dev"):
                await life.call(row, parent=QUEUE)

    lived(story, dev=False)
