"""An application without a framework: it creates tasks with Google's names, a function answers them."""

import os

import pytest

from tidegate import http_task, tasks_v2
from tidegate.testing import HandlerRequest

BROKEN = os.environ.get("BROKEN_HANDLER") == "1"
SHIPPED: list[int] = []


def order(client, queue: str, number: int) -> None:
    """What the application does: remember the order by a task."""
    client.create_task(parent=queue, task=http_task("http://shop.test/ship", json={"order": number}))


def ship(request: HandlerRequest) -> int:
    """Its handler."""
    if BROKEN:
        return 500
    SHIPPED.append(request.json["order"])
    return 200


@pytest.mark.parametrize("number", range(20))
def test_an_order_is_shipped(tidegate, number: int) -> None:
    SHIPPED.clear()
    tidegate.responds(ship)
    queue = tidegate.queue(max_attempts=1)
    with tidegate.client() as client:
        assert isinstance(client, tasks_v2.CloudTasksClient)
        order(client, queue.name, number)
    tidegate.run()
    assert [number] == SHIPPED
    tidegate.expect(url="/ship", json={"order": number})
