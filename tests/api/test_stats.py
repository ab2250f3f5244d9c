"""``Queue.stats``, for those who ask."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from tests.api.conftest import LOCATION, NOON, QUEUE

STATS = {"read_mask": FieldMask(paths=["stats"])}


@pytest.fixture(params=["v2beta2", "v2beta3"])
def beta(request, call2, call3):
    return call2 if request.param == "v2beta2" else call3


async def create(call, queue=QUEUE, tasks=0):
    await call("create_queue", parent=LOCATION, queue={"name": queue})
    for _ in range(tasks):
        await call("create_task", parent=queue, task={"http_request": {"url": "https://a.b"}})


async def test_they_are_shown_only_to_those_who_name_them(call, beta) -> None:
    await create(call, tasks=3)
    assert not (await beta("get_queue", name=QUEUE)).HasField("stats")
    shown = await beta("get_queue", name=QUEUE, **STATS)
    assert {field.name for field, _ in shown.ListFields()} == {"name", "stats"}
    stats = shown.stats
    assert (stats.tasks_count, stats.executed_last_minute_count, stats.concurrent_dispatches_count) == (3, 0, 0)
    assert stats.oldest_estimated_arrival_time.ToDatetime(NOON.tzinfo) == NOON
    assert stats.effective_execution_rate == 500
    assert list((await beta("list_queues", parent=LOCATION, **STATS)).queues) == [shown]


async def test_one_number_can_be_asked_for_alone(call, beta) -> None:
    await create(call, tasks=2)
    shown = await beta("get_queue", name=QUEUE, read_mask=FieldMask(paths=["stats.tasks_count", "state"]))
    assert {field.name for field, _ in shown.ListFields()} == {"name", "state", "stats"}
    assert [field.name for field, _ in shown.stats.ListFields()] == ["tasks_count"]


async def test_an_empty_queue_has_no_task_to_expect(call, beta) -> None:
    await create(call)
    stats = (await beta("get_queue", name=QUEUE, **STATS)).stats
    assert stats.tasks_count == 0
    assert not stats.HasField("oldest_estimated_arrival_time")


async def test_queues_can_be_chosen_by_them_also_unseen(call, beta) -> None:
    await create(call, f"{LOCATION}/queues/idle")
    await create(call, f"{LOCATION}/queues/busy", tasks=2)
    found = await beta(
        "list_queues", parent=LOCATION, filter="_Stats.tasksCount > 1"
    )  # paths ignore case and underscores
    assert [queue.name for queue in found.queues] == [f"{LOCATION}/queues/busy"]
    assert not found.queues[0].HasField("stats")
