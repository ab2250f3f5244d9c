"""The queue calls of v2, from request to response."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from tests.api.conftest import LOCATION, NOON, QUEUE, QUEUE_MISSING

from tidegate.core.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from tidegate.schema import v2

DEFAULTS = v2.Queue(
    name=QUEUE,
    state="RUNNING",
    rate_limits={"max_dispatches_per_second": 500, "max_burst_size": 100, "max_concurrent_dispatches": 1000},
    retry_config={
        "max_attempts": 100,
        "min_backoff": {"nanos": 100_000_000},
        "max_backoff": {"seconds": 3600},
        "max_doublings": 16,
    },
)


def default_queue(**fields):
    """A queue as it is shown with all defaults, but for the fields given."""
    queue = v2.Queue(DEFAULTS)
    for name, value in fields.items():
        setattr(queue, name, value)
    return v2.Queue.pb(queue)


async def create(call, **fields):
    return await call("create_queue", parent=LOCATION, queue={"name": QUEUE, **fields})


async def update(call, *paths, mask=True, name=QUEUE, **fields):
    extra = {"update_mask": FieldMask(paths=paths)} if mask else {}
    return await call("update_queue", queue={"name": name, **fields}, **extra)


async def test_a_queue_is_created_with_the_defaults_filled_in(call) -> None:
    assert await create(call) == default_queue()
    assert await call("get_queue", name=QUEUE) == default_queue()


async def test_settings_come_back_as_they_were_set(call) -> None:
    sent: dict[str, Any] = {
        "app_engine_routing_override": {"service": "worker", "host": "ignored.example.com"},
        "rate_limits": {"max_dispatches_per_second": 77, "max_concurrent_dispatches": 3},
        "retry_config": {
            "max_attempts": -1,
            "max_retry_duration": {"seconds": 60},
            "min_backoff": {"seconds": 1, "nanos": 1},
            "max_backoff": {"seconds": 2},
            "max_doublings": 5,
        },
        "stackdriver_logging_config": {"sampling_ratio": 0.5},
        "http_target": {
            "uri_override": {
                "scheme": "SCHEME_UNSPECIFIED",
                "host": "example.com",
                "port": 0,
                "path_override": {},
                "query_override": {"query_params": "?a=1"},
            },
            "http_method": "PUT",
            "header_overrides": [{"header": {"key": "X-A"}}, {}, {"header": {"key": "X-A", "value": "b\r\n"}}],
            "oidc_token": {"service_account_email": "a@b"},
        },
    }
    created = await create(call, **sent)
    assert created.rate_limits.max_burst_size == 15
    assert created.app_engine_routing_override.host == "worker.p.appspot.com"
    expected = v2.Queue(DEFAULTS, **sent)
    expected.rate_limits.max_burst_size = 15
    expected.app_engine_routing_override.host = "worker.p.appspot.com"
    del expected.http_target.header_overrides[1]
    assert created == v2.Queue.pb(expected)


async def test_what_only_the_server_sets_is_ignored(call) -> None:
    created = await create(call, state="PAUSED", purge_time=NOON, rate_limits={"max_burst_size": 700})
    assert created == default_queue()


async def test_zeros_stand_for_the_defaults(call) -> None:
    zeros: dict[str, Any] = {
        "retry_config": {"min_backoff": {}, "max_retry_duration": {}},
        "stackdriver_logging_config": {},
    }
    assert await create(call, **zeros) == default_queue()


async def test_a_name_is_taken_once(call) -> None:
    await create(call)
    with pytest.raises(AlreadyExists) as refused:
        await create(call)
    assert refused.value.message == "Queue already exists"


async def test_a_name_stays_taken_for_a_while_after_the_queue_is_deleted(call, clock) -> None:
    await create(call)
    await call("delete_queue", name=QUEUE)
    with pytest.raises(FailedPrecondition, match="existed too recently"):
        await create(call)
    with pytest.raises(FailedPrecondition, match="existed too recently"):
        await update(call)
    clock.advance(days=7, seconds=1)
    assert await create(call) == default_queue()


@pytest.mark.parametrize(
    ("queue", "text"),
    [
        ({}, "Queue name must be formatted"),
        ({"name": "q"}, "Queue name must be formatted"),
        ({"name": f"{LOCATION}/queues/a_b"}, 'Queue ID "a_b" can contain only letters'),
        ({"name": "projects/p/locations/l/queues/q"}, f"projects/p/locations/l/queues/q must begin with {LOCATION}."),
        ({"name": QUEUE, "rate_limits": {"max_dispatches_per_second": -1}}, "cannot be negative"),
        ({"name": QUEUE, "retry_config": {"max_attempts": -2}}, "greater or equal to -1"),
        ({"name": QUEUE, "retry_config": {"min_backoff": {"seconds": 2}, "max_backoff": {"seconds": 1}}}, "less than"),
        ({"name": QUEUE, "stackdriver_logging_config": {"sampling_ratio": 2}}, "between 0.0 and 1.0"),
        ({"name": QUEUE, "http_target": {"uri_override": {}}}, "Invalid uri_override."),
        ({"name": QUEUE, "http_target": {"uri_override": {"host": ""}}}, "Invalid Host."),
        ({"name": QUEUE, "http_target": {"oidc_token": {}}}, "service_account_email must be set."),
    ],
)
async def test_a_bad_queue_is_refused_and_changes_nothing(call, queue, text) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await call("create_queue", parent=LOCATION, queue=queue)
    assert text in refused.value.message
    assert not (await call("list_queues", parent=LOCATION)).queues


@pytest.mark.parametrize("rpc", ["get_queue", "pause_queue", "resume_queue", "purge_queue"])
async def test_a_missing_queue_is_said_to_be_missing(call, rpc) -> None:
    with pytest.raises(NotFound) as refused:
        await call(rpc, name=QUEUE)
    assert refused.value.message == QUEUE_MISSING


async def test_deleting_a_missing_queue_is_said_in_other_words(call) -> None:
    with pytest.raises(NotFound) as refused:
        await call("delete_queue", name=QUEUE)
    assert refused.value.message == "Requested entity was not found."


async def test_pausing_and_resuming_may_be_repeated(call) -> None:
    await create(call)
    for rpc, state in [("pause_queue", 2), ("pause_queue", 2), ("resume_queue", 1), ("resume_queue", 1)]:
        assert (await call(rpc, name=QUEUE)).state == state
        assert (await call("get_queue", name=QUEUE)).state == state


async def test_purging_shows_when(call) -> None:
    await create(call)
    await call("create_task", parent=QUEUE, task={"name": f"{QUEUE}/tasks/t", "http_request": {"url": "https://a.b"}})
    await call("pause_queue", name=QUEUE)
    purged = await call("purge_queue", name=QUEUE)
    assert purged == default_queue(state="PAUSED", purge_time=NOON)
    assert not (await call("list_tasks", parent=QUEUE)).tasks


class TestUpdating:
    async def test_a_missing_queue_is_created_with_what_the_mask_names(self, call) -> None:
        updated = await update(call, "retry_config.max_attempts", retry_config={"max_attempts": 3, "max_doublings": 4})
        expected = default_queue()
        expected.retry_config.max_attempts = 3
        assert updated == expected
        assert await call("get_queue", name=QUEUE) == expected

    async def test_an_empty_mask_changes_nothing(self, call) -> None:
        await create(call, retry_config={"max_attempts": 3})
        updated = await update(call, retry_config={"max_attempts": 4})
        assert updated.retry_config.max_attempts == 3

    async def test_without_a_mask_everything_is_replaced_but_the_state(self, call) -> None:
        await create(call, retry_config={"max_attempts": 3}, http_target={"http_method": "PUT"})
        await call("pause_queue", name=QUEUE)
        updated = await update(call, mask=False, rate_limits={"max_concurrent_dispatches": 7})
        expected = default_queue(state="PAUSED")
        expected.rate_limits.max_concurrent_dispatches = 7
        assert updated == expected

    async def test_an_unset_field_goes_back_to_its_default(self, call) -> None:
        await create(call, retry_config={"max_attempts": 3, "max_doublings": 4})
        updated = await update(call, "retry_config.max_attempts")
        assert (updated.retry_config.max_attempts, updated.retry_config.max_doublings) == (100, 4)

    async def test_the_burst_follows_the_rate(self, call) -> None:
        await create(call, rate_limits={"max_dispatches_per_second": 77})
        updated = await update(call, "rate_limits", rate_limits={"max_dispatches_per_second": 333, "max_burst_size": 5})
        assert updated.rate_limits.max_burst_size == 66

    async def test_output_only_paths_change_nothing(self, call) -> None:
        await create(call)
        paths = ["name", "state", "purge_time", "rate_limits.max_burst_size"]
        updated = await update(call, *paths, state="PAUSED", purge_time=NOON, rate_limits={"max_burst_size": 7})
        assert updated == default_queue()

    async def test_the_merged_result_is_checked(self, call) -> None:
        await create(call, http_target={"uri_override": {"host": "a"}}, retry_config={"max_backoff": {"seconds": 5}})
        with pytest.raises(InvalidArgument, match="Invalid uri_override"):
            await update(call, "http_target.uri_override.host", http_target={"http_method": "PUT"})
        with pytest.raises(InvalidArgument, match="minBackoff must be less than"):
            await update(call, "retry_config.min_backoff", retry_config={"min_backoff": {"seconds": 6}})

    async def test_what_the_mask_leaves_out_is_checked_too(self, call) -> None:
        await create(call)
        with pytest.raises(InvalidArgument, match="Invalid Host"):
            await update(call, "retry_config", http_target={"uri_override": {"host": ""}})

    async def test_a_bad_mask_is_found_before_the_queue_is_looked_up(self, call) -> None:
        await create(call)
        await call("delete_queue", name=QUEUE)
        with pytest.raises(InvalidArgument) as refused:
            await update(call, "retry_config", "maxAttempts")
        assert refused.value.message == "Invalid mask: maxAttempts"


async def test_header_overrides_are_refused_where_a_key_is_set(call) -> None:
    key = "projects/p/locations/us-central1/keyRings/r/cryptoKeys/k"
    await call("update_cmek_config", cmek_config={"name": f"{LOCATION}/cmekConfig", "kms_key": key})
    overrides = {"http_target": {"header_overrides": [{"header": {"key": "X-A", "value": "b"}}]}}
    with pytest.raises(FailedPrecondition, match="CMEK"):
        await create(call, **overrides)
    await create(call)
    with pytest.raises(FailedPrecondition, match="CMEK"):
        await update(call, "http_target", **overrides)
