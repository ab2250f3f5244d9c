"""Attempts through a running engine: what they leave behind, when they stop."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.engine.lives import DAY, HOUR, QUEUE, UNTHROTTLED, Life, SlowNetwork, answering, lived
from tests.engine.worlds import MINUTE, SECOND, Network
from tests.simulation.virtual_time import START, run
from tests.storage.claims import clear_away

from tidegate.core.errors import Code
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import HttpTarget, OidcToken, Queue, RateLimits, RetryConfig, Scheme, UriOverride
from tidegate.core.times import Duration
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.events import Event


@pytest.mark.parametrize(
    ("outcome", "code", "text", "counted"),
    [
        (Outcome(400), Code.INVALID_ARGUMENT, "INVALID_ARGUMENT(3): HTTP status code 400", 1),
        (Outcome(401), Code.UNAUTHENTICATED, "UNAUTHENTICATED(16): HTTP status code 401", 1),
        (Outcome(403), Code.PERMISSION_DENIED, "PERMISSION_DENIED(7): HTTP status code 403", 1),
        (Outcome(404), Code.NOT_FOUND, "NOT_FOUND(5): HTTP status code 404", 1),
        (Outcome(409), Code.ABORTED, "ABORTED(10): HTTP status code 409", 1),
        (Outcome(429), Code.RESOURCE_EXHAUSTED, "RESOURCE_EXHAUSTED(8): HTTP status code 429", 1),
        (Outcome(499), Code.CANCELLED, "CANCELLED(1): HTTP status code 499", 1),
        (Outcome(410), Code.FAILED_PRECONDITION, "FAILED_PRECONDITION(9): HTTP status code 410", 1),
        (Outcome(302), Code.UNKNOWN, "UNKNOWN(2): HTTP status code 302", 1),
        (Outcome(500), Code.INTERNAL, "INTERNAL(13): HTTP status code 500", 0),
        (Outcome(501), Code.UNIMPLEMENTED, "UNIMPLEMENTED(12): HTTP status code 501", 0),
        (Outcome(503), Code.UNAVAILABLE, "UNAVAILABLE(14): HTTP status code 503", 0),
        (Outcome(504), Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED(4): HTTP status code 504", 0),
        (Outcome(507), Code.INTERNAL, "INTERNAL(13): HTTP status code 507", 0),
        (Outcome(timed_out=True), Code.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED(4): HTTP status code 504", 0),
        (Outcome(reason="host not found"), Code.UNKNOWN, "UNKNOWN(2): HTTP status code 0", 0),
        (Outcome(forbidden=True, reason="not here"), Code.PERMISSION_DENIED, "PERMISSION_DENIED(7): not here", 0),
    ],
)
def test_a_failed_attempt_leaves_its_counts_times_and_status(
    outcome: Outcome, code: Code, text: str, counted: int
) -> None:
    async def story(life: Life) -> None:
        name = await life.create(ahead=5 * SECOND)
        await asyncio.sleep(20)
        task = await life.shown(name)
        assert (task.dispatch_count, task.response_count) == (1, counted)
        last = task.last_attempt
        assert last is not None
        assert last.status is not None
        assert (last.status.code, last.status.message) == (code, text)
        due = START + 5 * SECOND
        assert (last.schedule_time, last.dispatch_time, last.response_time) == (due, due, due + 2 * SECOND)
        assert task.first_dispatch_time == due
        assert task.schedule_time == due + 2 * SECOND + 60 * MINUTE

    lived(SlowNetwork(lambda _: 2.0, lambda _: outcome), story, retry_config=HOUR)


@pytest.mark.parametrize(
    ("most", "duration", "wait", "attempts"),
    [
        (1, 0, 2, 1),
        (3, 0, 2, 3),
        (-1, 3, 2, 3),  # recorded
        (2, 3, 2, 3),  # recorded: only when both are reached
        (4, 1, 1, 4),  # recorded
        (-1, 1, 1, 2),
        (100, 5, 2, 100),
    ],
)
def test_a_task_is_given_up_when_both_limits_are_reached(most: int, duration: int, wait: int, attempts: int) -> None:
    backoffs = Duration(wait)
    retry = RetryConfig(most, Duration(duration), backoffs, backoffs)

    async def story(life: Life) -> None:
        name = await life.create()
        await asyncio.sleep(wait * (attempts - 1) - 0.5)
        if attempts > 1:
            assert not await life.is_gone(name)
        await asyncio.sleep(1)
        assert await life.is_gone(name)
        await asyncio.sleep(100)
        assert life.attempts == attempts

    lived(answering(Outcome(500)), story, retry_config=retry)


def test_the_tasks_own_retry_settings_beat_the_queues() -> None:
    async def story(life: Life) -> None:
        name = await life.create(retry_config=RetryConfig(2, Duration(), Duration(7), Duration(7), 16))
        await asyncio.sleep(6.9)
        assert life.attempts == 1
        await asyncio.sleep(1)
        assert life.attempts == 2
        assert await life.is_gone(name)

    lived(answering(Outcome(500)), story, retry_config=HOUR)


def test_new_retry_settings_count_from_the_next_failure_on() -> None:
    async def story(life: Life) -> None:
        name = await life.create()
        await asyncio.sleep(1)
        assert (await life.shown(name)).schedule_time == START + 60 * MINUTE
        await life.engine.queues.update(QUEUE, lambda _: Queue(name=QUEUE, retry_config=RetryConfig(2)))
        assert (await life.shown(name)).schedule_time == START + 60 * MINUTE  # what waits, waits as it was told
        await asyncio.sleep(3601)
        assert life.attempts == 2
        assert await life.is_gone(name)

    lived(answering(Outcome(500)), story, retry_config=HOUR)


def test_a_task_deleted_during_its_attempt_is_not_tried_again() -> None:
    async def story(life: Life) -> None:
        name = await life.create()
        await asyncio.sleep(1)
        await life.engine.tasks.delete(name)
        await asyncio.sleep(7200)
        assert life.attempts == 1
        assert await life.store.read(
            lambda tx: [each.flow.in_flight for each in tx.queues("projects/p/locations/l", "", 9)]
        ) == [0]

    lived(SlowNetwork(lambda _: 5.0, lambda _: Outcome(500)), story)


def test_an_attempt_of_a_deleted_queue_frees_no_place_of_the_next_queue_of_that_name() -> None:
    one_at_a_time = RateLimits(500, 100, 1)

    async def story(life: Life) -> None:
        await life.create()  # under way for 10 s
        await life.engine.queues.delete(QUEUE)
        await asyncio.sleep(1)
        await life.engine.queues.create(Queue(name=QUEUE, rate_limits=one_at_a_time))
        await life.create()  # under way for 60 s
        await life.create()
        await asyncio.sleep(30)
        assert life.attempts == 2
        await asyncio.sleep(60)
        assert life.attempts == 3

    network = SlowNetwork(lambda n: (10.0, 60.0, 0.0)[n], lambda _: Outcome(200))
    rules = OperatorRules(throttling=False, queue_name_reuse_after=timedelta())
    lived(network, story, rules, rate_limits=one_at_a_time)


def test_a_task_past_its_time_to_live_is_deleted_whatever_its_state() -> None:
    async def story(life: Life) -> None:
        await life.engine.queues.pause(QUEUE)
        waiting, failing = await life.create(ahead=29 * DAY), await life.create()
        life.clock.shift(31 * DAY - 1 * SECOND)
        await asyncio.sleep(0.5)
        await clear_away(life.store, life.clock.now(), 100)
        assert not any([await life.is_gone(name) for name in (waiting, failing)])
        life.clock.shift(2 * SECOND)
        await life.engine.tasks.run(failing)  # under way when its time is up
        await clear_away(life.store, life.clock.now(), 100)
        assert all([await life.is_gone(name) for name in (waiting, failing)])
        await asyncio.sleep(60)
        assert life.attempts == 1

    lived(SlowNetwork(lambda _: 5.0, lambda _: Outcome(500)), story)


def test_an_attempt_that_breaks_here_leaves_its_place_to_others(caplog: pytest.LogCaptureFixture) -> None:
    async def day() -> None:
        life = Life(Network(), UNTHROTTLED)
        life.engine.dispatcher._events = Deaf()
        await life.engine.start()
        await life.engine.queues.create(Queue(name=QUEUE))
        room = life.engine.under_way.room()
        await life.create()
        await asyncio.sleep(1)
        assert life.engine.under_way.room() == room

    run(day())


class Deaf:
    """``ports.Events`` that fails."""

    def emit(self, event: Event) -> None:
        raise OSError("no room for a line")


TOKEN = OidcToken("worker@p.iam.gserviceaccount.com")
OVER_HTTP = HttpTarget(uri_override=UriOverride(scheme=Scheme.HTTP))


def test_the_first_token_that_goes_over_http_is_warned_of_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def story(life: Life) -> None:
        await life.create(url="https://handler.test/", token=TOKEN)
        await life.create()
        await asyncio.sleep(1)
        assert not caplog.records
        for _ in range(3):
            await life.create(token=TOKEN)
            await asyncio.sleep(1)
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert [authorization for _, authorization in life.network.calls[2:]] == [
            f"Bearer {TOKEN.service_account_email}"
        ] * 3

    lived(Network(), story)


def test_with_tokens_for_https_alone_none_goes_where_the_routing_makes_it_http() -> None:
    async def story(life: Life) -> None:
        name = await life.create(url="https://handler.test/", token=TOKEN)
        await asyncio.sleep(1)
        last = (await life.shown(name)).last_attempt
        assert last is not None
        assert last.status is not None
        assert last.status.message == "PERMISSION_DENIED(7): tokens are sent to https URLs only"
        await life.create(url="https://handler.test/plain")
        await asyncio.sleep(1)
        assert [call.url for call, _ in life.network.calls] == ["http://handler.test/plain"]

    lived(
        Network(), story, OperatorRules(throttling=False, https_tokens=True), http_target=OVER_HTTP, retry_config=HOUR
    )
