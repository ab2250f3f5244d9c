import pytest
import shop

import handlers
from tidegate import http_task
from tidegate.testing import HandlerRequest


@pytest.fixture
def queue(tidegate):
    return tidegate.queue("shop", max_attempts=3, min_backoff=5, max_backoff=50)


@pytest.fixture
async def tasks(tidegate, queue):
    handlers.SHIPPED.clear()
    handlers.SEEN.clear()
    tidegate.app = shop.app
    async with tidegate.async_client() as client:
        made = shop.Tasks(client, queue.name, tidegate.now)
        shop.app.state.create = made.create
        yield made


async def test_an_order_is_shipped(tidegate, tasks):
    await tasks.create("/ship", {"number": 1})
    assert await tidegate.run() == 1
    assert handlers.SHIPPED == {1: 0}


async def test_a_sync_route_works_too(tidegate, tasks):
    await tasks.create("/pack", {"number": 2})
    await tidegate.run()
    assert handlers.SHIPPED == {2: "packed"}
    assert tidegate.requests[0].status == 202


async def test_a_bad_order_is_refused_by_the_model(tidegate, tasks):
    await tasks.create("/ship", {"number": "three"})
    await tasks.create("/ship", {"number": 3})
    await tidegate.run()
    assert sorted(request.status for request in tidegate.requests) == [200, 422]


async def test_what_is_not_ripe_is_shipped_at_the_second_try(tidegate, tasks):
    await tasks.create("/ship", {"number": 4, "article": "pear"})
    await tidegate.run_until_idle()
    assert handlers.SHIPPED == {4: 1}
    assert [request.status for request in tidegate.requests] == [503, 200]


async def test_it_waits_as_long_as_it_was_told(tidegate, tasks):
    await tasks.create("/ship", {"number": 5, "article": "pear"})
    await tidegate.run()
    assert await tidegate.advance("20s") == 0
    await tidegate.advance("15s")
    assert handlers.SHIPPED == {5: 1}


async def test_a_conflict_is_tried_three_times(tidegate, tasks):
    await tasks.create("/ship", {"number": 6, "article": "stone"})
    assert await tidegate.run_until_idle() == 3
    assert {request.status for request in tidegate.requests} == {409}


async def test_a_conflict_becomes_a_dead_task(tidegate, tasks, queue):
    await tasks.create("/ship", {"number": 7, "article": "stone"})
    await tidegate.run_until_idle()
    assert queue.dead[0].last_attempt.http_status == 409


async def test_an_order_for_later(tidegate, tasks):
    await tasks.create("/ship", {"number": 8}, delay=600)
    assert await tidegate.advance("9m") == 0
    await tidegate.advance("2m")
    assert handlers.SHIPPED == {8: 0}


async def test_one_task_follows_another(tidegate, tasks):
    await tasks.create("/next", {"number": 1})
    assert await tidegate.run() == 1
    await tidegate.run_until_idle()
    assert handlers.SHIPPED == {1: "next", 2: "next", 3: "next"}


async def test_they_are_an_hour_apart(tidegate, tasks):
    await tasks.create("/next", {"number": 2})
    await tidegate.advance("59m")
    assert handlers.SHIPPED == {2: "next"}


async def test_a_ping_knows_queue_and_task(tidegate, tasks):
    await tasks.create("/ping?token=a%20b", method="GET", task_id="ping-11")
    await tidegate.run()
    assert handlers.SEEN == [("a b", "shop", "ping-11")]


async def test_a_ping_without_token_is_refused(tidegate, tasks):
    await tasks.create("/ping", method="GET")
    await tidegate.run()
    assert tidegate.requests[0].status == 422
    await tasks.create("/ping?token=1", method="GET")
    await tidegate.run()
    assert handlers.SEEN


async def test_an_unknown_path_is_a_404(tidegate, tasks):
    await tasks.create("/nothing")
    await tasks.create("/ship", {"number": 13})
    await tidegate.run()
    assert sorted(request.status for request in tidegate.requests) == [200, 404]


async def test_many_orders_at_once(tidegate, tasks):
    for number in range(25):
        await tasks.create("/ship", {"number": number})
    assert await tidegate.run() == 25
    assert len(handlers.SHIPPED) == 25


async def test_an_order_that_comes_twice_is_one_order(tidegate, tasks):
    await tidegate.faults.duplicate(2)
    await tasks.create("/ship", {"number": 15})
    await tidegate.run()
    assert handlers.SHIPPED == {15: 0}


async def test_a_gateway_that_fails_once(tidegate, tasks):
    await tidegate.faults.status(504, times=1)
    await tasks.create("/ship", {"number": 16})
    await tidegate.run_until_idle()
    assert handlers.SHIPPED == {16: 1}


async def test_a_paused_queue_is_resumed(tidegate, tasks):
    await tidegate.pause()
    await tasks.create("/ship", {"number": 17})
    assert await tidegate.run() == 0
    await tidegate.resume()
    await tidegate.run()
    assert handlers.SHIPPED == {17: 0}


async def test_what_was_sent_is_as_expected(tidegate, tasks):
    await tasks.create("/ship", {"number": 18, "article": "plum"})
    await tidegate.run()
    tidegate.expect(url=f"{shop.SITE}/ship", json={"number": 18, "article": "plum"})
    assert handlers.SHIPPED


async def test_a_partner_is_a_coroutine(tidegate, tasks):
    calls = []

    async def partner(request: HandlerRequest):
        calls.append(request.path)
        return 200, {"X-Partner": "1"}

    tidegate.responds(partner, base="https://partner.example.com")
    await tasks.client.create_task(parent=tasks.queue, task=http_task("https://partner.example.com/hook"))
    await tasks.create("/pack", {"number": 19})
    await tidegate.run()
    assert (calls, handlers.SHIPPED) == (["/hook"], {19: "packed"})


def test_a_plain_test_calls_it_too(tidegate, queue):
    handlers.SHIPPED.clear()
    tidegate.app = shop.app
    with tidegate.client() as client:
        client.create_task(parent=queue.name, task=http_task(f"{shop.SITE}/ship", json={"number": 20}))
    tidegate.run()
    assert handlers.SHIPPED == {20: 0}
