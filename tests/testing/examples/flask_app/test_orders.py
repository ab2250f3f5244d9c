"""Flask: its views run in the test's thread."""

import os

import flask
import pytest

from tidegate import http_task
from tidegate.handlers import RetryLater, TaskRequest, retry_after

BROKEN = os.environ.get("BROKEN_HANDLER") == "1"

app = flask.Flask(__name__)
app.register_error_handler(RetryLater, RetryLater.flask)
shipped: list[int] = []


@app.post("/ship")
def ship():
    if BROKEN:
        flask.abort(500)
    if TaskRequest.from_headers(flask.request.headers).retry_count == 0:
        retry_after(10)
    shipped.append(flask.request.get_json()["order"])
    return "", 204


@pytest.mark.parametrize("number", range(20))
def test_an_order_is_shipped_at_the_second_try(tidegate, number: int) -> None:
    shipped.clear()
    tidegate.deliver_to(app, base="http://shop.test")
    queue = tidegate.queue(max_attempts=2, min_backoff=1)
    with tidegate.client() as client:
        client.create_task(parent=queue.name, task=http_task("http://shop.test/ship", json={"order": number}))
    tidegate.run_until_idle()
    assert shipped == [number]
    assert [request.status for request in tidegate.requests] == [503, 204]
