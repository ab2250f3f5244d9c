"""Everything out of one server and into another, and out again the same."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.iam.v1.policy_pb2 import Binding, Policy
from msgspec.structs import replace
from tests.api.operator.place import PARENT, PULL, QUEUE, Place

from tidegate.core.errors import AlreadyExists, InvalidArgument, NotFound
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import Header, HttpTarget, OidcToken, RateLimits, RetryConfig, State, UriOverride
from tidegate.core.times import Duration
from tidegate.core.trace_context import TraceContext
from tidegate.schema import operator
from tidegate.schema.operator import StateRecord

REPLACE, FAIL = 3, 2
CANARY = "canary-7f3a"
OTHER = QueueName.of("p", "elsewhere", "q")
HOUR = timedelta(hours=1)
_RECORD = StateRecord.pb()


@pytest.fixture
def at() -> Place:
    return Place()


async def exported(at: Place, parent: Any = PARENT, **fields: Any) -> list[Any]:
    stream = await at.stream("export_state", parent=parent, **fields)
    return [record async for record in stream]


async def imported(at: Place, records: list[Any], parent: str = PARENT, **fields: Any) -> Any:
    """Import as a client does: a hundred records at a time."""
    answer = operator.ImportStateResponse.pb()()
    for begin in range(0, len(records), 100):
        request = operator.ImportStateRequest.pb()(parent=parent, records=records[begin : begin + 100], **fields)
        part = await at.api.method(operator.Operator.import_state)(request)
        answer.imported += part.imported
        answer.skipped += part.skipped
        answer.failures.extend(part.failures)
    return answer


def comparable(records: list[Any]) -> list[Any]:
    """Records without what another server gives anew: when it was, and where a dead task lies on its shelf."""
    shown = []
    for record in records:
        copy = _RECORD.FromString(record.SerializeToString())
        if copy.HasField("header"):
            copy.header.ClearField("export_time")
        if copy.HasField("dead_task"):
            copy.dead_task.ClearField("name")
        shown.append(copy)
    return shown


async def filled(at: Place) -> None:
    """Queues of both kinds with all sorts of settings and tasks: new, tried, leased and dead."""
    await at.engine.start()
    await at.make(
        rate_limits=RateLimits(7, 20, 3),
        retry_config=RetryConfig(max_attempts=2, min_backoff=Duration(10), max_doublings=0),
        http_target=HttpTarget(
            uri_override=UriOverride(host="h.test", port=8080, path="/x"),
            header_overrides=(Header("A", "b"),),
            token=OidcToken("a@b.test"),
        ),
        sampling_ratio=0.5,
        task_ttl=timedelta(days=11),
        tombstone_ttl=timedelta(hours=2),
    )
    await at.make(PULL)
    await at.call(
        "update_queue_options",
        options={"name": f"{QUEUE}/options", "dead_letters": {"max_tasks": 5}, "attempts": {"bodies": False}},
    )
    at.network.answer = lambda call: Outcome(http_status=503, reason="away")
    await at.put("dead", after=timedelta())
    await at.settled()
    at.clock.advance(HOUR)
    await at.settled()
    await at.put("tried", after=timedelta())
    await at.settled()
    await at.engine.queues.pause(QUEUE)
    await at.put("new", "later")
    await at.put("pulled", queue=PULL)
    await at.engine.policies.set(QUEUE, _policy(), None)


def _policy() -> Any:
    from tidegate.api.handlers.policies import read_policy  # noqa: PLC0415

    return read_policy(Policy(bindings=[Binding(role="roles/cloudtasks.viewer", members=["user:a@b.test"])]))


EVERYTHING: dict[str, Any] = {"include_dead": True, "include_policies": True}


async def test_what_was_exported_imported_and_exported_again_is_the_same(at: Place) -> None:
    await filled(at)
    first = await exported(at, **EVERYTHING)
    other = Place()
    other.clock.advance(at.now() - other.now())
    answer = await imported(other, first)
    assert (answer.imported, answer.skipped, list(answer.failures)) == (7, 0, [])
    second = await exported(other, **EVERYTHING)
    assert comparable(first) == comparable(second)
    trailer = second[-1].trailer
    assert (trailer.queues, trailer.tasks, trailer.dead_tasks) == (2, 4, 1)
    await at.engine.stop()


SECRETS: dict[str, Any] = {
    "url": f"https://user:{CANARY}@handler.test/x?token={CANARY}&page=2",
    "headers": {"Authorization": f"Bearer {CANARY}", "Cookie": CANARY, "X-Api-Key": CANARY, "X-Plain": "seen"},
}


async def with_secrets(at: Place) -> None:
    """A queue and tasks, one of them dead, whose headers and URLs have secrets."""
    override = UriOverride(host="h.test", query=f"api_key={CANARY}&q=1")
    target = HttpTarget(uri_override=override, header_overrides=(Header("X-Auth-Token", CANARY), Header("A", "b")))
    await at.make(http_target=target, retry_config=RetryConfig(max_attempts=1))
    records = [
        _RECORD(task={"name": QUEUE.task("t"), "http_request": SECRETS, "schedule_time": at.now() + HOUR}),
        _RECORD(
            dead_task={
                "task": {"name": QUEUE.task("dead"), "http_request": SECRETS},
                "reason": "TTL",
                "death_time": at.now(),
                "expire_time": at.now() + HOUR,
            }
        ),
    ]
    assert not (await imported(at, records)).failures


async def test_an_export_has_no_secret_unless_it_is_asked_for(at: Place) -> None:
    await with_secrets(at)
    masked = await exported(at, **EVERYTHING)
    assert CANARY not in str(masked)
    assert masked[0].header.secrets_masked
    (task,) = [record.task.http_request for record in masked if record.HasField("task")]
    assert task.url == "https://***@handler.test/x?token=***&page=2"
    assert (task.headers["Authorization"], task.headers["X-Plain"]) == ("***", "seen")
    whole = await exported(at, **EVERYTHING, include_secrets=True)
    assert not whole[0].header.secrets_masked
    assert str(whole).count(CANARY) == 2 * 5 + 2


@pytest.mark.parametrize("include_secrets", [False, True])
async def test_exports_with_and_without_secrets_are_the_same_after_an_import(at: Place, include_secrets: bool) -> None:
    await with_secrets(at)
    first = await exported(at, **EVERYTHING, include_secrets=include_secrets)
    other = Place()
    assert not (await imported(other, first)).failures
    second = await exported(other, **EVERYTHING, include_secrets=include_secrets)
    assert comparable(first) == comparable(second)


async def test_records_come_in_an_order_in_which_they_can_be_imported(at: Place) -> None:
    await filled(at)
    kinds = [record.WhichOneof("record") for record in await exported(at, include_dead=True)]
    assert kinds == ["header", "queue", "task", "queue", "task", "task", "task", "dead_task", "trailer"]
    without = [record.WhichOneof("record") for record in await exported(at)]
    assert "dead_task" not in without
    await at.engine.stop()


async def test_an_imported_task_keeps_its_times_and_counts_and_is_delivered(at: Place) -> None:
    await filled(at)
    records = await exported(at)
    other = Place()
    other.clock.advance(at.now() - other.now())
    await imported(other, records)
    tried = await other.engine.tasks.get(QUEUE.task("tried"), body=True)
    original = await at.engine.tasks.get(QUEUE.task("tried"), body=True)
    assert replace(tried, key=None, answer_count=1) == replace(original, key=None)
    await other.engine.start()
    await other.engine.queues.resume(QUEUE)
    other.clock.advance(timedelta(seconds=10))
    await other.settled()
    assert len(other.network.calls) == 1
    await other.engine.stop()
    await at.engine.stop()


async def test_queues_are_exported_by_name_by_project_and_for_the_whole_server(at: Place) -> None:
    for name in (QUEUE, PULL, OTHER, QueueName.of("foreign", "l", "q")):
        await at.make(name)
    by_name = await exported(at, queues=[PULL])
    assert [record.queue.queue.name for record in by_name[1:-1]] == [PULL]
    assert [len(await exported(at, parent)) - 2 for parent in (PARENT, "projects/p", "-")] == [2, 3, 4]
    with pytest.raises(NotFound):
        await exported(at, queues=[f"{PARENT}/queues/none"])
    with pytest.raises(InvalidArgument, match="queues must have"):
        await exported(at, queues=[OTHER])


async def test_names_that_are_taken_are_skipped_refused_or_replaced(at: Place) -> None:
    await at.make()
    await at.put("a", "b")
    records = await exported(at)
    await at.engine.tasks.delete(QUEUE.task("b"))
    await at.engine.queues.pause(QUEUE)
    skipped = await imported(at, records)
    assert (skipped.imported, skipped.skipped, len(skipped.failures)) == (0, 3, 0)
    refused = await imported(at, records, on_conflict=FAIL)
    assert (refused.imported, refused.skipped) == (0, 0)
    assert {failure.status.code for failure in refused.failures} == {AlreadyExists.code}
    assert [failure.name for failure in refused.failures] == [QUEUE, QUEUE.task("a"), QUEUE.task("b")]
    replaced = await imported(at, records, on_conflict=REPLACE)
    assert (replaced.imported, len(replaced.failures)) == (3, 0)
    assert await at.left() == ["a", "b"]
    assert (await at.engine.queues.get(QUEUE)).state is State.RUNNING


async def test_queues_can_be_imported_paused(at: Place) -> None:
    await at.make()
    await at.put("a", after=timedelta())
    records = await exported(at)
    other = Place()
    await other.engine.start()
    await imported(other, records, paused=True)
    await other.settled()
    assert (await other.engine.queues.get(QUEUE)).state is State.PAUSED
    assert await other.left() == ["a"]
    await other.engine.stop()


async def test_a_dead_task_is_imported_once_and_can_be_replaced(at: Place) -> None:
    await filled(at)
    dead = [record for record in await exported(at, include_dead=True) if record.HasField("dead_task")]
    assert (await imported(at, dead)).skipped == 1
    assert len((await imported(at, dead, on_conflict=FAIL)).failures) == 1
    assert (await imported(at, dead, on_conflict=REPLACE)).imported == 1
    assert len((await at.call("list_dead_tasks", parent=QUEUE)).dead_tasks) == 1
    await at.engine.stop()


async def test_a_task_goes_on_with_the_trace_that_created_it(at: Place) -> None:
    creation = TraceContext(7, 9, sampled=True, state="a=b")
    record = task_record()
    record.traceparent, record.tracestate = creation.traceparent, creation.state
    await at.make()
    assert (await imported(at, [record])).imported == 1
    assert (await at.engine.tasks.get(QUEUE.task("t"), body=False)).trace == creation.kept()
    (again,) = [each for each in await exported(at) if each.HasField("task")]
    assert (again.traceparent, again.tracestate) == (creation.traceparent, "a=b")


def task_record(name: str = QUEUE.task("t"), **fields: Any) -> Any:
    return _RECORD(task={"name": name, "http_request": {"url": "https://handler.test/"}, **fields})


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (_RECORD(), "A record must have"),
        (_RECORD(header={"format_version": 2}), "format_version is 2"),
        (_RECORD(queue={"queue": {"name": "q"}}), "queue.name must be"),
        (_RECORD(queue={"queue": {"name": OTHER}}), "below projects/p/locations/l"),
        (_RECORD(queue={"queue": {"name": PULL, "rate_limits": {"max_burst_size": 9999}}}), "maxBurstSize"),
        (_RECORD(queue={"queue": {"name": PULL, "state": 9}}), "queue.state"),
        (task_record(name=OTHER.task("t")), "task.name must be"),
        (task_record(name=PULL.task("t")), "Queue does not exist"),
        (task_record(dispatch_count=-1), "must not be negative"),
        (task_record(http_request={"url": "ftp://x"}), "must start with"),
        (task_record(http_request={"url": "https://x", "body": b"x" * 1_100_000}), "too large"),
        (task_record(schedule_time={"seconds": 10**11}), "too far in the future"),
        (task_record(create_time={"seconds": 10**12}), "create_time is no valid Timestamp"),
        (task_record(last_attempt={"response_status": {"code": 99}}), "99 is no code"),
        (_RECORD(task={"name": QUEUE.task("t"), "pull_message": {}}), "pull_message can only be set"),
        (_RECORD(dead_task={"task": task_record().task}), "dead_task.reason"),
        (_RECORD(task=task_record().task, traceparent="00-x"), "traceparent must name a span"),
    ],
)
async def test_a_bad_record_fails_alone_and_says_why(at: Place, record: Any, text: str) -> None:
    await at.make()
    answer = await imported(at, [task_record(name=QUEUE.task("first")), record, task_record(name=QUEUE.task("last"))])
    assert answer.imported == 2
    (failure,) = answer.failures
    with pytest.raises(AssertionError, match=text):
        raise AssertionError(failure.status.message)
    assert await at.left() == ["first", "last"]


async def test_an_unknown_way_with_conflicts_is_refused(at: Place) -> None:
    with pytest.raises(InvalidArgument, match="on_conflict"):
        await imported(at, [task_record()], on_conflict=9)
