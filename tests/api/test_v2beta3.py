"""What v2beta3 adds to v2: lifetimes, bursts, kinds, read masks."""

from datetime import timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from tests.api.conftest import LOCATION, QUEUE

from tidegate.core.errors import InvalidArgument


async def create(call3, **fields):
    return await call3("create_queue", parent=LOCATION, queue={"name": QUEUE, **fields})


async def update(call3, *paths, **fields):
    return await call3("update_queue", queue={"name": QUEUE, **fields}, update_mask=FieldMask(paths=paths))


async def test_lifetimes_have_their_defaults(call3) -> None:
    created = await create(call3)
    assert (created.task_ttl.seconds, created.tombstone_ttl.seconds) == (2_678_400, 3_600)
    assert created.type_ == 2


async def test_lifetimes_are_kept_through_other_versions(call, call3) -> None:
    await create(call3, task_ttl=timedelta(days=20), tombstone_ttl=timedelta(hours=2))
    await call("update_queue", queue={"name": QUEUE, "retry_config": {"max_attempts": 3}})
    kept = await call3("get_queue", name=QUEUE)
    assert (kept.task_ttl.seconds, kept.tombstone_ttl.seconds) == (20 * 86_400, 7_200)
    assert kept.retry_config.max_attempts == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"task_ttl": timedelta(days=9)},
        {"task_ttl": timedelta(days=3651)},
        {"task_ttl": {"seconds": -1}},
        {"tombstone_ttl": timedelta(minutes=59)},
        {"tombstone_ttl": timedelta(days=9, seconds=1)},
        {"rate_limits": {"max_burst_size": 501}},
        {"type_": 7},
    ],
)
async def test_out_of_range_is_refused(call3, fields) -> None:
    with pytest.raises(InvalidArgument):
        await create(call3, **fields)


async def test_the_burst_is_settable_and_else_follows_the_rate(call, call3) -> None:
    created = await create(call3, rate_limits={"max_burst_size": 200})
    assert created.rate_limits.max_burst_size == 200
    same = await update(call3, "rate_limits.max_concurrent_dispatches", rate_limits={"max_concurrent_dispatches": 3})
    assert same.rate_limits.max_burst_size == 200
    slower = await update(call3, "rate_limits.max_dispatches_per_second", rate_limits={"max_dispatches_per_second": 77})
    assert slower.rate_limits.max_burst_size == 15
    both = await update(call3, "rate_limits", rate_limits={"max_dispatches_per_second": 50, "max_burst_size": 2})
    assert both.rate_limits.max_burst_size == 2
    seen = await call("update_queue", queue={"name": QUEUE}, update_mask=FieldMask(paths=["retry_config"]))
    assert seen.rate_limits.max_burst_size == 2


async def test_app_engine_routing_is_one_in_both_versions(call, call3) -> None:
    await create(call3, app_engine_http_queue={"app_engine_routing_override": {"service": "worker"}})
    assert (await call("get_queue", name=QUEUE)).app_engine_routing_override.service == "worker"
    path = "app_engine_http_queue.app_engine_routing_override"
    assert not (await update(call3, path)).HasField("app_engine_http_queue")


class TestReadMasks:
    async def test_only_what_is_named_is_shown_and_the_name(self, call3) -> None:
        await create(call3, retry_config={"max_attempts": 3})
        mask = {"read_mask": FieldMask(paths=["retry_config.max_attempts", "type"])}
        shown = await call3("get_queue", name=QUEUE, **mask)
        assert {field.name for field, _ in shown.ListFields()} == {"name", "retry_config", "type_"}
        assert [field.name for field, _ in shown.retry_config.ListFields()] == ["max_attempts"]
        assert list((await call3("list_queues", parent=LOCATION, **mask)).queues) == [shown]

    async def test_without_a_mask_everything_but_the_numbers_is_shown(self, call3) -> None:
        created = await create(call3)
        assert not created.HasField("stats")
        assert await call3("get_queue", name=QUEUE, read_mask=FieldMask()) == created

    @pytest.mark.parametrize("where", [("get_queue", {"name": QUEUE}), ("list_queues", {"parent": LOCATION})])
    async def test_a_bad_mask_is_refused_before_the_queue_is_looked_up(self, call3, where) -> None:
        rpc, fields = where
        with pytest.raises(InvalidArgument) as refused:
            await call3(rpc, **fields, read_mask=FieldMask(paths=["name", "bogus"]))
        assert refused.value.message == "Invalid mask: bogus"


async def test_operations_of_a_version_hold_its_messages(call3) -> None:
    await create(call3)
    entries = [{"parent": QUEUE, "task": {"http_request": {"url": "https://a.b"}}}]
    operation = await call3("batch_create_tasks", parent=QUEUE, requests=entries)
    assert operation.metadata.type_url.endswith("google.cloud.tasks.v2beta3.BatchCreateTasksMetadata")
    assert operation.response.type_url.endswith("google.cloud.tasks.v2beta3.BatchCreateTasksResponse")


@pytest.mark.parametrize(
    "fields",
    [
        {"rate_limits": {"max_dispatches_per_second": 501}},
        {"rate_limits": {"max_dispatches_per_second": -5}},
        {"retry_config": {"min_backoff": timedelta(seconds=-5)}},
        {"retry_config": {"max_doublings": -4}},
    ],
)
async def test_a_kind_that_the_mask_leaves_out_spares_nothing_its_check(call3, fields) -> None:
    await create(call3)
    with pytest.raises(InvalidArgument):
        await update(call3, *fields, type_="PULL", **fields)


async def test_an_update_that_names_a_pull_queues_attempts_may_send_back_all_it_was_shown(call3) -> None:
    shown = await create(call3, type_="PULL")
    shown.retry_config.max_attempts = 7
    mask = FieldMask(paths=["retry_config.max_attempts"])
    assert (await call3("update_queue", queue=shown, update_mask=mask)).retry_config.max_attempts == 7


async def test_a_rate_that_is_sent_as_unset_and_stays_what_it_is_leaves_the_burst(call3) -> None:
    await create(call3, rate_limits={"max_burst_size": 7})
    updated = await update(call3, "rate_limits.max_dispatches_per_second")
    assert updated.rate_limits.max_burst_size == 7


async def test_what_v2beta2_does_not_show_of_a_queue_outlives_its_updates(call2, call3) -> None:
    override = {"app_engine_routing_override": {"service": "s"}}
    await create(call3, app_engine_http_queue=override, http_target={"http_method": "PUT"})
    await call2("update_queue", queue={"name": QUEUE}, update_mask=FieldMask(paths=["http_target"]))
    kept = await call3("get_queue", name=QUEUE)
    assert kept.app_engine_http_queue.app_engine_routing_override.service == "s"
    assert not kept.HasField("http_target")


async def test_what_v2beta2_does_not_show_of_a_pull_queue_outlives_its_updates(call2, call3) -> None:
    await create(call3, type_="PULL", http_target={"http_method": "PUT"})
    sent = {"name": QUEUE, "pull_target": {}, "retry_config": {"max_attempts": 5}}
    await call2("update_queue", queue=sent, update_mask=FieldMask(paths=["retry_config"]))
    assert (await call3("get_queue", name=QUEUE)).http_target.http_method == 4
