from datetime import timedelta

import pytest
from google.api_core.exceptions import AlreadyExists
from shop import Shop

import handlers


@pytest.fixture
def queue(tidegate):
    return tidegate.queue("orders", max_attempts=4, min_backoff=10, max_backoff=100)


@pytest.fixture
def shop(tidegate, queue):
    made = Shop(queue.name)
    tidegate.responds(lambda request: getattr(handlers, request.path[1:])(made, request))
    return made


def test_an_order_is_shipped(tidegate, shop):
    shop.order(1)
    assert tidegate.run() == 1
    assert shop.shipped == [1]


def test_the_handler_gets_what_was_ordered(tidegate, shop):
    shop.order(2)
    tidegate.run()
    tidegate.expect(url="/ship", json={"order": 2})
    assert tidegate.requests[0].status == 200


def test_all_orders_are_shipped(tidegate, shop):
    for number in range(10):
        shop.order(number)
    tidegate.run()
    assert sorted(shop.shipped) == list(range(10))


def test_nothing_is_left_of_a_shipped_order(tidegate, shop):
    shop.order(4)
    tidegate.run()
    tidegate.assert_no_tasks()


def test_an_order_for_later_waits(tidegate, shop, queue):
    shop.order(5, at=tidegate.now() + timedelta(hours=1))
    assert tidegate.advance("59m") == 0
    assert len(queue.tasks) == 1
    tidegate.advance("2m")
    assert shop.shipped == [5]


def test_orders_for_later_come_in_their_order(tidegate, shop):
    now = tidegate.now()
    shop.order(2, at=now + timedelta(hours=2))
    shop.order(1, at=now + timedelta(hours=1))
    tidegate.run_until_idle()
    assert shop.shipped == [1, 2]


def test_a_warehouse_that_is_closed_is_asked_again(tidegate, shop):
    shop.refused[7] = 2
    shop.order(7)
    assert tidegate.run_until_idle() == 3
    assert [request.status for request in tidegate.requests] == [503, 503, 200]


def test_it_is_asked_again_after_the_backoff(tidegate, shop):
    shop.refused[8] = 1
    shop.order(8)
    tidegate.run()
    assert tidegate.advance("9s") == 0
    tidegate.advance("2s")
    assert shop.shipped == [8]


def test_the_second_attempt_says_so(tidegate, shop):
    shop.refused[9] = 1
    shop.order(9)
    tidegate.run_until_idle()
    assert shop.shipped == [9]
    assert [request.headers["x-cloudtasks-taskretrycount"] for request in tidegate.requests] == ["0", "1"]


def test_an_impossible_order_is_given_up(tidegate, shop, queue):
    shop.order(-1)
    assert tidegate.run_until_idle() == 4
    assert [request.status for request in tidegate.requests] == [422] * 4
    assert len(queue.dead) == 1


def test_attempts_can_be_looked_at(tidegate, shop, queue):
    shop.refused[11] = 1
    shop.order(11)
    tidegate.run_until_idle()
    assert [attempt.http_status for attempt in queue.attempts if attempt.http_status != 200] == [503]
    assert shop.shipped == [11]


def test_an_order_that_comes_twice_is_shipped_once(tidegate, shop):
    tidegate.faults.duplicate()
    shop.order(12)
    assert tidegate.run() == 2
    assert shop.shipped == [12]


def test_an_order_whose_answer_is_lost_is_shipped_once(tidegate, shop):
    tidegate.faults.drop_response(last=1)
    shop.order(13)
    assert tidegate.run_until_idle() == 2
    assert shop.shipped == [13]


def test_a_warehouse_without_a_line_is_called_later(tidegate, shop):
    tidegate.faults.refuse(times=1)
    shop.order(14)
    assert tidegate.run() == 0
    tidegate.run_until_idle()
    assert shop.shipped == [14]


def test_a_paused_queue_ships_nothing(tidegate, shop, queue):
    queue.pause()
    shop.order(15)
    assert tidegate.advance("1h") == 0
    queue.resume()
    tidegate.run()
    assert shop.shipped == [15]


def test_an_order_with_a_name_is_taken_once(tidegate, shop):
    shop.order(16, name="order-16")
    with pytest.raises(AlreadyExists):
        shop.order(16, name="order-16")
    tidegate.run()
    assert shop.shipped == [16]


def test_an_order_can_be_taken_back(tidegate, shop):
    shop.order(17)
    later = shop.order(18, at=tidegate.now() + timedelta(hours=1))
    shop.client.delete_task(name=later.name)
    tidegate.run_until_idle()
    assert shop.shipped == [17]


def test_reminders_follow_each_other(tidegate, shop):
    shop.remind("you", tidegate.now(), days=3)
    tidegate.advance("1d")
    assert shop.mails == ["you"] * 3


def test_method_query_and_headers_arrive(tidegate, shop):
    shop.create("/mail?lang=de", None, method="GET", headers={"X-Shop": "north"})
    tidegate.run()
    assert shop.mails == [("GET", "lang=de", "north")]


def test_a_receipt_knows_its_task(tidegate, shop):
    shop.create("/receipt", {}, name="receipt-20")
    tidegate.run()
    assert shop.mails == ["receipt-20"]
