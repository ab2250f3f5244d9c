import asyncio
from datetime import timedelta

import pytest
from shop import Shop


@pytest.fixture
def queue(tidegate):
    return tidegate.queue("shop", max_attempts=5, min_backoff=1, max_backoff=3600, max_doublings=12)


@pytest.fixture
async def shop(tidegate, queue):
    async with tidegate.async_client() as client:
        tidegate.app = made = Shop(client, queue.name)
        yield made


async def test_an_order_is_shipped(tidegate, shop):
    await shop.create("/ship", {"order": 1})
    assert await tidegate.run() == 1
    assert shop.shipped == [1]


async def test_orders_created_at_once_are_all_shipped(tidegate, shop):
    await asyncio.gather(*(shop.create("/ship", {"order": number}) for number in range(20)))
    await tidegate.run()
    assert sorted(shop.shipped) == list(range(20))


async def test_nothing_is_delivered_before_the_test_says_so(tidegate, shop):
    await shop.create("/ship", {"order": 3})
    await asyncio.sleep(0)
    assert shop.shipped == []
    await tidegate.run()
    assert shop.shipped == [3]


async def test_the_handler_runs_in_the_loop_of_the_test(tidegate, shop):
    await shop.create("/loop", {})
    await tidegate.run()
    assert shop.loops == [asyncio.get_running_loop()]


async def test_an_order_for_tomorrow(tidegate, shop):
    await shop.create("/ship", {"order": 5}, at=tidegate.now() + timedelta(days=1))
    assert await tidegate.advance("23h") == 0
    await tidegate.advance("1h")
    assert shop.shipped == [5]


async def test_a_late_order_is_tried_again(tidegate, shop):
    shop.late.add(6)
    await shop.create("/ship", {"order": 6})
    assert await tidegate.run_until_idle() == 2
    assert shop.shipped == [6]


async def test_the_first_backoff_is_a_second(tidegate, shop):
    shop.late.add(7)
    await shop.create("/ship", {"order": 7})
    await tidegate.run()
    await tidegate.advance(2)
    assert shop.shipped == [7]


async def test_five_attempts_then_no_more(tidegate, shop):
    await shop.create("/fail", {"status": 500})
    await tidegate.run_until_idle()
    assert len(shop.failed) == 5


async def test_what_was_given_up_is_kept(tidegate, shop, queue):
    await shop.create("/fail", {"status": 418})
    await tidegate.run_until_idle()
    assert [dead.last_attempt.http_status for dead in queue.dead] == [418]


async def test_a_status_of_success_is_any_2xx(tidegate, shop):
    await shop.create("/fail", {"status": 299})
    await tidegate.run()
    assert shop.failed
    tidegate.assert_no_tasks()


async def test_a_redirect_is_not_followed_without_a_location(tidegate, shop):
    await shop.create("/fail", {"status": 302})
    await tidegate.run_until_idle()
    assert {request.status for request in tidegate.requests} == {302}


async def test_a_chain_is_followed_to_its_end(tidegate, shop):
    await shop.create("/chain", {"left": 3})
    assert await tidegate.run() == 4
    assert shop.shipped == [3, 2, 1, 0]


async def test_it_waits_until_idle(tidegate, shop):
    await shop.create("/ship", {"order": 13}, at=tidegate.now() + timedelta(milliseconds=30))
    await tidegate.wait_idle()
    assert shop.shipped == [13]


async def test_requests_can_be_looked_at(tidegate, shop):
    await shop.create("/ship", {"order": 14})
    await tidegate.run()
    (request,) = tidegate.requests
    assert (request.method, request.path, request.json, request.status) == ("POST", "/ship", {"order": 14}, 200)


async def test_an_expectation_holds(tidegate, shop):
    tidegate.expect(url="/ship", json={"order": 15}, headers={"X-CloudTasks-QueueName": "shop"})
    await shop.create("/ship", {"order": 15})
    await tidegate.run()
    assert shop.shipped == [15]


async def test_twice_the_same_order(tidegate, shop):
    await tidegate.faults.duplicate()
    await shop.create("/ship", {"order": 16})
    await tidegate.run()
    assert shop.shipped == [16, 16]


async def test_a_broken_line(tidegate, shop):
    await tidegate.faults.no_answer(last=2)
    await shop.create("/ship", {"order": 17})
    await tidegate.run_until_idle()
    assert shop.shipped == [17]


async def test_a_pause(tidegate, shop, queue):
    await queue.pause()
    await shop.create("/ship", {"order": 18})
    assert await tidegate.run() == 0
    await queue.resume()
    await tidegate.run()
    assert shop.shipped == [18]


async def test_a_purge(tidegate, shop, queue):
    await shop.create("/ship", {"order": 0}, at=tidegate.now() + timedelta(hours=1))
    await queue.purge()
    await tidegate.advance("1s")  # what is created in the same moment is purged too
    await shop.create("/ship", {"order": 19})
    await tidegate.run_until_idle()
    assert shop.shipped == [19]


async def test_two_servers_know_nothing_of_each_other(tidegate, tidegate_factory, shop):
    other = tidegate_factory()
    assert other.address != tidegate.address
    assert await other.run_until_idle() == 0
    await shop.create("/ship", {"order": 20})
    await tidegate.run()
    assert shop.shipped == [20]
