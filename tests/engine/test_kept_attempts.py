"""Which ended attempts are kept, for how long, how many, and what of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import pytest
from tests.engine.deaths import QUEUE, created, queue_of, refused, rows, tried
from tests.engine.worlds import MINUTE, Hands, hands

from tidegate.core.attempt_record import BODY_KEPT, AttemptOutcome, AttemptRecord, SentReason
from tidegate.core.errors import Code
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import TaskName
from tidegate.core.queue import Queue, RetryConfig
from tidegate.core.queue_options import AttemptOptions, Keep, Keeping, QueueOptions
from tidegate.core.target import HttpCall
from tidegate.core.validation import HttpDraft, TaskDraft, check_task
from tidegate.engine.janitor import Walk, sweep
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.store import StoreError
from tidegate.engine.ports.world import Response, SendReport
from tidegate.engine.records import RECORDED_AT_ONCE

MANY = RetryConfig(max_attempts=100)
OK = Outcome(http_status=200)
FAILURE = Outcome(http_status=500)
TASK = QUEUE.task("a")


@dataclass
class Received:
    """``ports.ReceivedAnswer`` after a quarter of a second."""

    response: Response
    first_byte: float = 0.25

    def read(self) -> Response:
        return self.response


async def at_work(keep: Keep = Keep.FAILED, **keeping: object) -> Hands:
    at = await hands(OperatorRules(keeping=Keeping(attempts=keep, **keeping)))  # type: ignore[arg-type]
    await queue_of(at, retry=MANY)
    return at


async def attempted(at: Hands, *outcomes: Outcome, task_id: str = "a") -> None:
    await created(at, task_id)
    await again(at, *outcomes, task_id=task_id)


async def again(at: Hands, *outcomes: Outcome, task_id: str = "a") -> None:
    for outcome in outcomes:
        at.network.answer = lambda _, outcome=outcome: outcome  # type: ignore[misc]
        await tried(at, task_id)


async def records(at: Hands, task: TaskName = TASK) -> list[AttemptRecord]:
    return [each.record for each in await at.engine.attempts.list(task)]


async def swept(at: Hands) -> None:
    now = at.clock.now()
    await at.store.write(lambda tx: sweep(tx, Walk(), now, shelving=at.engine.shelving))


async def test_a_failed_attempt_is_kept_with_how_it_ended_and_when_it_is_tried_again() -> None:
    at = await at_work()
    await attempted(at, FAILURE)
    (record,) = await records(at)
    assert (record.number, record.sent_because, record.outcome) == (1, SentReason.FORCED, AttemptOutcome.FAILED)
    assert (record.http_status, record.final) == (500, False)
    assert record.retry_time == (await at.engine.tasks.get(TASK, body=False)).schedule_time


async def test_each_outcome_has_its_word() -> None:
    at = await at_work()
    outcomes = {
        FAILURE: AttemptOutcome.FAILED,
        Outcome(timed_out=True): AttemptOutcome.TIMED_OUT,
        Outcome(reason="connection refused"): AttemptOutcome.NO_ANSWER,
        Outcome(forbidden=True, reason="no"): AttemptOutcome.FORBIDDEN,
        Outcome(unsendable=True, reason="no token"): AttemptOutcome.UNSENDABLE,
    }
    await attempted(at, *outcomes)
    assert [record.outcome for record in reversed(await records(at))] == list(outcomes.values())


async def test_a_task_that_succeeds_takes_its_failed_attempts_with_it() -> None:
    at = await at_work()
    await attempted(at, FAILURE, FAILURE, OK)
    assert await records(at) == []
    assert rows(at, "attempts") == await kept_bytes(at) == 0


async def test_a_first_attempt_that_succeeds_writes_nothing() -> None:
    at = await at_work()
    await attempted(at, OK)
    assert rows(at, "attempts") == 0


async def test_with_all_those_of_finished_tasks_stay_for_their_time() -> None:
    at = await at_work(Keep.ALL)
    await attempted(at, FAILURE, OK)
    assert [(each.outcome, each.final) for each in await records(at)] == [
        (AttemptOutcome.SUCCEEDED, True),
        (AttemptOutcome.FAILED, False),
    ]
    at.clock.advance(timedelta(hours=24) - MINUTE)
    await swept(at)
    assert rows(at, "attempts") == 2
    at.clock.advance(MINUTE)
    await swept(at)
    assert rows(at, "attempts") == await kept_bytes(at) == 0


async def test_with_none_nothing_is_kept_and_nothing_is_asked_of_the_sender() -> None:
    at = await at_work(Keep.NONE)
    reports: list[object] = []

    async def send(call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        reports.append(report)
        return FAILURE

    at.network.send = send  # type: ignore[method-assign]
    await created(at, "a")
    await tried(at, "a")
    assert reports == [None]
    assert rows(at, "attempts") == 0


async def test_the_newest_twenty_of_a_task_are_kept() -> None:
    at = await at_work()
    await attempted(at, *[FAILURE] * 23)
    assert [record.number for record in await records(at)] == list(range(23, 3, -1))
    assert await kept_bytes(at) == stored_bytes(at)


async def test_a_queue_may_keep_fewer() -> None:
    at = await at_work()
    await at.engine.options.update(QUEUE, lambda _: QueueOptions(attempts=AttemptOptions(per_task=2)))
    await attempted(at, *[FAILURE] * 5)
    assert [record.number for record in await records(at)] == [5, 4]


async def test_those_of_a_queue_are_bounded_in_bytes_and_the_oldest_go_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tidegate.engine.records.ATTEMPTS_SIZE_MAX", 2000)
    at = await at_work()
    for number in range(40):
        await attempted(at, FAILURE, task_id=f"t{number}")
    assert 1000 < await kept_bytes(at) == stored_bytes(at) <= 2000
    assert await records(at, QUEUE.task("t0")) == []
    assert len(await records(at, QUEUE.task("t39"))) == 1


async def test_they_go_with_a_task_that_is_deleted_a_purge_and_a_queue() -> None:
    at = await at_work()
    await attempted(at, FAILURE)
    await at.engine.tasks.delete(TASK)
    assert rows(at, "attempts") == await kept_bytes(at) == 0
    await attempted(at, FAILURE, task_id="b")
    await at.engine.queues.purge(QUEUE)
    assert await records(at, QUEUE.task("b")) == []
    for _ in range(2):
        await swept(at)
    assert rows(at, "attempts") == 0


async def test_an_attempt_that_was_overtaken_by_a_forced_one_is_kept_too() -> None:
    at = await at_work()
    await created(at, "a")
    at.network.answer = lambda _: FAILURE
    await at.engine.tasks.run(TASK)
    await at.engine.tasks.run(TASK)
    await at.engine.dispatcher.drain(MINUTE)
    assert sorted(record.number for record in await records(at)) == [1, 2]


async def test_what_was_sent_and_what_came_back_are_kept_without_secrets() -> None:
    at = await at_work()

    async def send(call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        assert isinstance(report, SendReport)
        report.peer, report.reused, report.redirects = "10.0.0.1:80", True, ("http://b.test/?sig=canary",)
        report.resolve, report.connect = 0.001, 0.002
        headers = (("Set-Cookie", "canary=1"), ("X-Why", "oops"), ("X-Session-Token", "canary"))
        report.answer = Received(Response(headers, b"x" * 5000, 70_000))
        return FAILURE

    at.network.send = send  # type: ignore[method-assign]
    headers = {"Cookie": "canary", "X-Api-Key": "canary", "X-Mine": "kept"}
    target = HttpDraft("http://user:canary@handler.test/a?b=c&key=canary", headers=headers, body=b"12345")
    draft = TaskDraft(name=TASK, target=target)
    await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))
    at.clock.advance(MINUTE)
    await tried(at, "a")
    (record,) = await records(at)
    assert b"canary" not in bytes(at.store._connection.execute("SELECT record FROM attempts").fetchone()[0])  # type: ignore[index]
    exchange = record.exchange
    assert (exchange.request.method, exchange.request.url) == ("POST", "http://handler.test/a?b=c&key=***")
    sent = dict(exchange.request.headers)
    assert (sent["Cookie"], sent["X-Mine"], sent["Authorization"]) == ("***", "kept", "***")
    assert exchange.request.body_bytes == 5
    assert dict(exchange.response.headers) == {"Set-Cookie": "***", "X-Why": "oops", "X-Session-Token": "***"}
    assert (exchange.response.body_start, exchange.response.body_bytes) == (b"x" * BODY_KEPT, 70_000)
    assert exchange.redirects == ("http://b.test/?sig=***",)
    assert (exchange.peer_address, exchange.reused_connection) == ("10.0.0.1:80", True)
    timing = exchange.timing
    assert (timing.wait, timing.resolve, timing.connect, timing.first_byte) == (60_000_000, 1000, 2000, 250_000)


async def test_a_queue_may_leave_the_bodies_of_responses_out() -> None:
    at = await at_work()
    await at.engine.options.update(QUEUE, lambda _: QueueOptions(attempts=AttemptOptions(bodies=False)))

    async def send(call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        assert isinstance(report, SendReport)
        report.answer = Received(Response((), b"private", 7))
        return FAILURE

    at.network.send = send  # type: ignore[method-assign]
    await created(at, "a")
    await tried(at, "a")
    (record,) = await records(at)
    assert (record.exchange.response.body_start, record.exchange.response.body_bytes) == (b"", 7)


async def test_a_task_with_thousands_of_headers_leaves_a_short_record() -> None:
    at = await at_work()
    headers = {f"X-{number}": "v" * 500 for number in range(120)}
    draft = TaskDraft(name=TASK, target=HttpDraft("http://handler.test/" + "p" * 2000, headers=headers))
    await at.engine.tasks.create(QUEUE, check_task(draft, QUEUE, at.clock.now()))
    await again(at, FAILURE)
    assert stored_bytes(at) < 8000


async def test_the_attempts_of_a_task_that_never_was_are_not_found() -> None:
    at = await at_work()
    assert await refused(at.engine.attempts.list(TASK)) is Code.NOT_FOUND
    await created(at, "a")
    assert await records(at) == []
    assert await refused(at.engine.attempts.get(TASK, 1)) is Code.NOT_FOUND


async def test_a_dead_task_without_a_shelf_keeps_its_attempts_for_a_day() -> None:
    at = await at_work(dead_for=timedelta())
    await at.engine.queues.update(QUEUE, lambda _: Queue(name=QUEUE, retry_config=RetryConfig(max_attempts=2)))
    await attempted(at, FAILURE, FAILURE)
    assert len(await records(at)) == 2
    at.clock.advance(timedelta(days=1))
    await swept(at)
    assert rows(at, "attempts") == 0


async def kept_bytes(at: Hands) -> int:
    (size,) = at.store._connection.execute("SELECT coalesce(sum(attempts_size), 0) FROM generations").fetchone()  # type: ignore[misc]
    return int(size)


def stored_bytes(at: Hands) -> int:
    (size,) = at.store._connection.execute("SELECT coalesce(sum(length(record)), 0) FROM attempts").fetchone()  # type: ignore[misc]
    return int(size)


async def test_a_kept_attempt_names_the_process_that_made_it() -> None:
    at = await at_work()
    await at.engine.join("10.0.0.1:8123")
    await attempted(at, FAILURE)
    (record,) = await records(at)
    assert record.exchange.node == "10.0.0.1:8123"


def never_answering(at: Hands) -> None:
    async def send(call: HttpCall, authorization: str | None, report: object = None) -> Outcome:
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]

    at.network.send = send  # type: ignore[method-assign]


async def cut_off(at: Hands, *task_ids: str) -> None:
    never_answering(at)
    for task_id in task_ids:
        await created(at, task_id)
        await at.engine.tasks.run(QUEUE.task(task_id))
    await asyncio.sleep(0)  # they begin
    await asyncio.sleep(0)


async def test_an_attempt_that_the_end_of_the_server_cuts_off_is_kept_as_that() -> None:
    at = await at_work()
    await at.engine.join("10.0.0.1:8123")
    await cut_off(at, "a")
    before = await at.engine.tasks.get(TASK, body=False)
    assert await at.engine.dispatcher.drain(timedelta()) == 1
    (record,) = await records(at)
    assert (record.number, record.outcome, record.sent_because) == (1, AttemptOutcome.CUT_OFF, SentReason.FORCED)
    assert (record.status, record.http_status, record.final, record.retry_time) == (None, 0, False, None)
    assert record.error == "the server stopped before the attempt ended"
    assert (record.exchange.request.method, record.exchange.node) == ("POST", "10.0.0.1:8123")
    assert await at.engine.tasks.get(TASK, body=False) == before  # it is due again when the next process starts
    assert await kept_bytes(at) == stored_bytes(at)


async def test_what_is_cut_off_is_not_kept_of_tasks_and_queues_that_are_gone_or_that_keep_nothing() -> None:
    at = await at_work()
    await cut_off(at, "a", "b")
    await at.engine.tasks.delete(TASK)
    await at.engine.dispatcher.drain(timedelta())
    assert rows(at, "attempts") == 1
    await cut_off(at, "c")
    await at.engine.queues.delete(QUEUE)
    await at.engine.dispatcher.drain(timedelta())
    at = await at_work(Keep.NONE)
    await cut_off(at, "a")
    assert await at.engine.dispatcher.drain(timedelta()) == 1
    assert rows(at, "attempts") == 0


async def test_a_store_that_fails_does_not_hold_up_the_end_of_the_server() -> None:
    at = await at_work()
    await cut_off(at, "a")

    async def write(*_: object, **__: object) -> object:
        raise StoreError("no disk")

    at.store.write = write  # type: ignore[method-assign, assignment]
    assert await at.engine.dispatcher.drain(timedelta()) == 1


async def test_many_attempts_that_are_cut_off_together_are_all_kept() -> None:
    at = await at_work()
    many = [f"t{number}" for number in range(RECORDED_AT_ONCE + 5)]
    await cut_off(at, *many)
    assert await at.engine.dispatcher.drain(timedelta()) == len(many)
    assert rows(at, "attempts") == len(many)
