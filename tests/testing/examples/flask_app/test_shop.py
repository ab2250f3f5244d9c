from datetime import timedelta

import pytest
import shop

import handlers
from tidegate import http_task


@pytest.fixture
def queue(tidegate):
    tidegate.deliver_to(shop.app, base=shop.SITE)
    return tidegate.queue("shop", max_attempts=3, min_backoff=60, max_backoff=600).name


@pytest.fixture(autouse=True)
def fresh():
    handlers.STOCK.clear()
    handlers.STOCK.update(apple=5, pear=0)
    handlers.SHIPPED.clear()
    handlers.MAILS.clear()


@pytest.fixture
def client(tidegate):
    with tidegate.client() as client:
        yield client


def test_an_order_is_shipped(tidegate, client, queue):
    shop.order(client, queue, "apple")
    tidegate.run()
    assert handlers.SHIPPED == [("apple", 0)]


def test_the_stock_goes_down(tidegate, client, queue):
    for _ in range(3):
        shop.order(client, queue, "apple")
    tidegate.run()
    assert handlers.STOCK["apple"] == 2


def test_what_is_sold_out_is_shipped_later(tidegate, client, queue):
    shop.order(client, queue, "pear")
    tidegate.run_until_idle()
    assert handlers.SHIPPED == [("pear", 1)]


def test_what_is_sold_out_waits_as_long_as_the_handler_says(tidegate, client, queue):
    shop.order(client, queue, "pear")
    tidegate.run()
    assert tidegate.advance("4m") == 0
    tidegate.advance("2m")
    assert handlers.SHIPPED == [("pear", 1)]


def test_a_sold_out_article_is_answered_with_503(tidegate, client, queue):
    shop.order(client, queue, "pear")
    tidegate.run()
    assert tidegate.requests[0].status == 503


def test_an_unknown_article_is_a_404(tidegate, client, queue):
    shop.order(client, queue, "plum")
    tidegate.run()
    assert tidegate.requests[0].status == 404


def test_an_unknown_article_is_given_up(tidegate, client, queue):
    shop.order(client, queue, "plum")
    tidegate.run_until_idle()
    assert [request.status for request in tidegate.requests] == [404, 404, 404]
    tidegate.assert_no_tasks()


def test_the_body_is_the_order(tidegate, client, queue):
    shop.order(client, queue, "apple")
    tidegate.run()
    tidegate.expect(url="/ship", json={"article": "apple"}, method="POST")
    assert handlers.SHIPPED


def test_an_order_in_an_hour(tidegate, client, queue):
    shop.order(client, queue, "apple", at=tidegate.now() + timedelta(hours=1))
    assert tidegate.advance("59m") == 0
    assert tidegate.advance("1m") == 1
    assert handlers.SHIPPED


def test_a_hundred_days_of_subscriptions_pass_at_once(tidegate, client, queue):
    handlers.STOCK["apple"] = 20
    for week in range(4):
        shop.order(client, queue, "apple", at=tidegate.now() + timedelta(weeks=week))
    tidegate.run_until_idle()
    assert handlers.STOCK["apple"] == 16


def test_a_mail_is_a_form(tidegate, client, queue):
    shop.send_mail(client, queue, "welcome", "you")
    tidegate.run()
    assert handlers.MAILS == [("welcome", "en", "you")]


def test_a_mail_in_another_language(tidegate, client, queue):
    shop.send_mail(client, queue, "welcome", "you", lang="de")
    tidegate.run()
    assert handlers.MAILS == [("welcome", "de", "you")]


def test_a_mail_without_the_key_is_forbidden(tidegate, client, queue):
    shop.send_mail(client, queue, "welcome", "you", key="wrong")
    tidegate.run()
    assert tidegate.requests[0].status == 403


def test_a_crash_is_a_500_with_its_reason(tidegate, client, queue):
    shop.app.testing = True  # so that Flask lets exceptions through
    client.create_task(parent=queue, task=http_task(f"{shop.SITE}/crash"))
    tidegate.run()
    assert handlers.MAILS == ["crash"]
    assert "ZeroDivisionError" in tidegate.failures()[0]


def test_a_crash_is_tried_again(tidegate, client, queue):
    client.create_task(parent=queue, task=http_task(f"{shop.SITE}/crash"))
    tidegate.run_until_idle()
    assert handlers.MAILS == ["crash"] * 3


def test_a_price_is_put(tidegate, client, queue):
    client.create_task(parent=queue, task=http_task(f"{shop.SITE}/prices/plum", method="PUT", body=b"7"))
    tidegate.run()
    assert handlers.STOCK["plum"] == 7


def test_an_article_is_deleted(tidegate, client, queue):
    client.create_task(parent=queue, task=http_task(f"{shop.SITE}/prices/pear", method="DELETE"))
    tidegate.run()
    assert "pear" not in handlers.STOCK


def test_a_slow_queue_ships_no_faster_than_its_rate(tidegate, client, queue):
    slow = tidegate.queue("slow", max_dispatches_per_second=0.1).name
    for _ in range(4):
        shop.order(client, slow, "apple")
    tidegate.run_until_idle()
    assert len(handlers.SHIPPED) == 4


def test_an_outage_is_survived(tidegate, client, queue):
    tidegate.faults.status(502, times=2)
    shop.order(client, queue, "apple")
    tidegate.run_until_idle()
    assert handlers.SHIPPED == [("apple", 2)]


def test_a_foreign_url_is_answered_by_a_stub(tidegate, client, queue):
    tidegate.responds(200, base="https://pay.example.com")
    client.create_task(parent=queue, task=http_task("https://pay.example.com/charge"))
    shop.order(client, queue, "apple")
    assert tidegate.run() == 2
    assert handlers.SHIPPED
