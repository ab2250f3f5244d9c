from datetime import timedelta

import pytest
import shop
from django.db import connection, transaction


@pytest.fixture
def queue(tidegate):
    tidegate.app = shop.application
    return tidegate.queue("shop", max_attempts=3, min_backoff=30, max_backoff=300)


@pytest.fixture
def client(tidegate):
    with tidegate.client() as client:
        yield client


@pytest.fixture(autouse=True)
def rolled_back():
    """The test's transaction, as pytest-django has it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE orders (number INTEGER, shipped INTEGER DEFAULT 0, paid INTEGER DEFAULT 0)")
        yield
        transaction.set_rollback(True)


def insert(number, paid=0):
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders (number, paid) VALUES (%s, %s)", [number, paid])


def look(column="shipped"):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT number, {column} FROM orders ORDER BY number")
        return cursor.fetchall()


def test_a_view_sees_the_transaction_of_the_test(tidegate, client, queue):
    insert(1)
    shop.send(client, queue, "/ship", 1)
    tidegate.run()
    assert look() == [(1, 1)]


def test_the_test_sees_what_the_view_changed(tidegate, client, queue):
    insert(2)
    shop.send(client, queue, "/charge", 2)
    tidegate.run()
    assert look("paid") == [(2, 1)]


def test_an_order_that_is_not_there_is_a_404(tidegate, client, queue):
    shop.send(client, queue, "/ship", 3)
    tidegate.run()
    assert tidegate.requests[0].status == 404


def test_an_order_that_is_made_in_time_is_shipped_at_the_second_try(tidegate, client, queue):
    shop.send(client, queue, "/ship", 4)
    tidegate.run()
    insert(4)
    tidegate.run_until_idle()
    assert look() == [(4, 2)]


def test_an_order_that_never_is_made_is_given_up(tidegate, client, queue):
    shop.send(client, queue, "/ship", 5)
    assert tidegate.run_until_idle() == 3
    assert queue.dead[0].last_attempt.http_status == 404


def test_a_closed_bank_is_asked_again(tidegate, client, queue):
    insert(6, paid=-1)
    shop.send(client, queue, "/charge", 6)
    tidegate.run_until_idle()
    assert look("paid") == [(6, 1)]


def test_a_closed_bank_is_left_alone_for_two_minutes(tidegate, client, queue):
    insert(7, paid=-1)
    shop.send(client, queue, "/charge", 7)
    tidegate.run()
    assert tidegate.advance("110s") == 0
    assert tidegate.advance("15s") == 1
    assert look("paid") == [(7, 1)]


def test_a_closed_bank_is_a_503(tidegate, client, queue):
    insert(8, paid=-1)
    shop.send(client, queue, "/charge", 8)
    tidegate.run()
    assert tidegate.requests[0].status == 503


def test_an_order_is_cancelled(tidegate, client, queue):
    insert(9)
    shop.send(client, queue, "/orders/9", method="DELETE")
    tidegate.run()
    assert look() == []


def test_the_wrong_method_is_refused(tidegate, client, queue):
    shop.send(client, queue, "/orders/10", method="PUT")
    tidegate.run()
    assert tidegate.requests[0].status == 405


def test_a_query_arrives(tidegate, client, queue):
    shop.send(client, queue, "/search?number=11&q=caf%C3%A9", method="GET")
    tidegate.run()
    assert look() == [(11, 0)]


def test_a_cancelled_order_is_not_shipped(tidegate, client, queue):
    insert(12)
    shop.send(client, queue, "/ship", 12, at=tidegate.now() + timedelta(hours=1))
    shop.send(client, queue, "/orders/12", method="DELETE")
    tidegate.run_until_idle()
    assert {request.status for request in tidegate.requests} == {200, 404}


def test_an_order_for_later(tidegate, client, queue):
    insert(13)
    shop.send(client, queue, "/ship", 13, at=tidegate.now() + timedelta(hours=1))
    tidegate.advance("59m")
    assert look() == [(13, 0)]
    tidegate.advance("2m")
    assert look() == [(13, 1)]


def test_several_orders(tidegate, client, queue):
    for number in range(5):
        insert(number)
        shop.send(client, queue, "/ship", number)
    tidegate.run()
    assert look() == [(number, 1) for number in range(5)]


def test_shipped_and_paid(tidegate, client, queue):
    insert(15)
    shop.send(client, queue, "/ship", 15)
    shop.send(client, queue, "/charge", 15)
    tidegate.run()
    assert (look(), look("paid")) == ([(15, 1)], [(15, 1)])


def test_a_lost_answer_ships_again(tidegate, client, queue):
    insert(16)
    tidegate.faults.drop_response(last=1)
    shop.send(client, queue, "/ship", 16)
    tidegate.run_until_idle()
    assert look() == [(16, 2)]


def test_an_outage_is_survived(tidegate, client, queue):
    insert(17)
    tidegate.faults.status(500, times=2)
    shop.send(client, queue, "/ship", 17)
    tidegate.run_until_idle()
    assert look() == [(17, 3)]


def test_a_paused_queue(tidegate, client, queue):
    insert(18)
    tidegate.pause()
    shop.send(client, queue, "/ship", 18)
    tidegate.advance("1d")
    assert look() == [(18, 0)]
    tidegate.resume()
    tidegate.run()
    assert look() == [(18, 1)]


def test_what_was_sent(tidegate, client, queue):
    insert(19)
    shop.send(client, queue, "/ship", 19)
    tidegate.run()
    tidegate.expect(url="/ship", json={"order": 19}, headers={"content-type": "application/json"})
    assert tidegate.requests[0].status == 204


def test_nothing_is_left(tidegate, client, queue):
    insert(20)
    shop.send(client, queue, "/charge", 20)
    tidegate.run()
    tidegate.assert_no_tasks()
