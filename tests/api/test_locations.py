"""Locations."""

import pytest
from tests.api.conftest import QUEUE

from tidegate.core.errors import InvalidArgument
from tidegate.core.names import QueueName


def parts(location):
    return location.name, location.location_id, location.display_name, dict(location.labels)


def location(name):
    return f"projects/p/locations/{name}", name, name, {"cloud.googleapis.com/region": name}


async def test_the_locations_that_hold_queues_are_listed_and_the_default_one(call) -> None:
    for queue in (QUEUE, "projects/p/locations/mars/queues/q", "projects/other/locations/venus/queues/q"):
        await call("create_queue", parent=QueueName(queue).parent, queue={"name": queue})
    listed = await call("list_locations", name="projects/p")
    assert [parts(each) for each in listed.locations] == [location("mars"), location("us-central1")]
    assert not listed.next_page_token


async def test_a_caller_may_have_them_page_by_page(call) -> None:
    for queue in (QUEUE, "projects/p/locations/mars/queues/q", "projects/p/locations/venus/queues/q"):
        await call("create_queue", parent=QueueName(queue).parent, queue={"name": queue})
    first = await call("list_locations", name="projects/p", page_size=2)
    assert [each.location_id for each in first.locations] == ["mars", "us-central1"]
    rest = await call("list_locations", name="projects/p", page_size=2, page_token=first.next_page_token)
    assert [each.location_id for each in rest.locations] == ["venus"]
    assert not rest.next_page_token
    with pytest.raises(InvalidArgument, match=r"^Invalid page_token$"):
        await call("list_locations", name="projects/other", page_token=first.next_page_token)
    with pytest.raises(InvalidArgument, match=r"^ListLocationsRequest\.pageSize cannot be negative\.$"):
        await call("list_locations", name="projects/p", page_size=-1)


async def test_any_well_formed_location_can_be_got(call) -> None:
    assert parts(await call("get_location", name="projects/p/locations/x1")) == location("x1")
