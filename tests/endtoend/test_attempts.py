"""What GetTask shows of attempts: counts, times and answers."""

from __future__ import annotations

from typing import Any

import pytest
from tests.endtoend.calls import create_queue, create_task, get_task, is_gone, queue_name
from tests.endtoend.client import GoogleClient, micros, rfc3339
from tests.endtoend.dispatch_rules import SECOND, Retries
from tests.endtoend.handler import Arrival, Handler, wall
from tests.endtoend.waiting import eventually

HOUR = 3600
QUEUE = "watched"


@pytest.fixture(scope="module")
def queue(client: GoogleClient) -> str:
    """A queue whose tasks wait an hour after a failure, so that there is time to look at them."""
    create_queue(client, QUEUE, Retries(min_backoff=HOUR, max_backoff=HOUR))
    return QUEUE


@pytest.fixture(scope="module")
def hanging(client: GoogleClient, handler: Handler, queue: str) -> str:
    """A task whose handler never answers, sent before all others: its attempt takes 15 seconds."""
    return create_task(client, queue, handler.url("hang"), dispatch_deadline="15s")


def failed(client: GoogleClient, queue: str, task: str) -> Any:
    """The task once its attempt has ended."""
    eventually("the attempt ends", lambda: "response_time" in get_task(client, queue, task).get("last_attempt", {}))
    return get_task(client, queue, task)


def test_while_an_attempt_is_under_way_it_has_no_answer(
    client: GoogleClient, handler: Handler, queue: str, hanging: str
) -> None:
    eventually("the attempt arrives", lambda: handler.arrived(queue, hanging) == 1)
    task = get_task(client, queue, hanging)
    assert (task["dispatch_count"], task["response_count"]) == (1, 0)
    assert set(task["first_attempt"]) == {"dispatch_time"}
    assert set(task["last_attempt"]) == {"schedule_time", "dispatch_time"}
    assert task["last_attempt"]["dispatch_time"] == task["first_attempt"]["dispatch_time"]
    assert task["last_attempt"]["schedule_time"] == task["schedule_time"]


@pytest.mark.parametrize(
    ("script", "counted", "code", "name"),
    [
        ("404", 1, 5, "NOT_FOUND"),
        ("400", 1, 3, "INVALID_ARGUMENT"),
        ("429", 1, 8, "RESOURCE_EXHAUSTED"),
        ("418", 1, 9, "FAILED_PRECONDITION"),
        ("500", 0, 13, "INTERNAL"),
        ("503", 0, 14, "UNAVAILABLE"),
        ("reset~1100", 0, 2, "UNKNOWN"),
    ],
)
def test_a_failed_attempt_is_counted_and_told(
    client: GoogleClient, handler: Handler, queue: str, script: str, counted: int, code: int, name: str
) -> None:
    due = client.call("create_task", parent=queue_name(queue), task={"http_request": {"url": handler.url(script)}})
    task_id = due["name"].rsplit("/", 1)[1]
    task = failed(client, queue, task_id)
    (arrival,) = handler.arrivals(queue, task_id)

    assert (task["dispatch_count"], task["response_count"]) == (1, counted)
    http = script if script.isdigit() else "0"
    message = f"{name}({code}): HTTP status code {http}"
    status = task["last_attempt"]["response_status"]
    assert (status["code"], status["message"]) == (code, message)
    assert task["last_attempt"]["schedule_time"] == due["schedule_time"]
    assert set(task["first_attempt"]) == {"dispatch_time"}
    assert task["first_attempt"]["dispatch_time"] == task["last_attempt"]["dispatch_time"]
    assert in_order(task, arrival)
    assert micros(task["schedule_time"]) == micros(task["last_attempt"]["response_time"]) + HOUR * SECOND


def in_order(task: Any, arrival: Arrival) -> bool:
    """Scheduled, dispatched, arrived, answered, answer noted: on one wall clock, each after the other."""
    last = task["last_attempt"]
    assert arrival.ended is not None
    moments = [micros(last["schedule_time"]), micros(last["dispatch_time"]), arrival.wall, arrival.ended]
    moments.append(micros(last["response_time"]))
    return moments == sorted(moments)


def test_counts_grow_over_attempts(client: GoogleClient, handler: Handler) -> None:
    create_queue(client, "counted", Retries(min_backoff=0.05, max_backoff=0.05, max_attempts=100))
    task_id = create_task(client, "counted", handler.url("500,404,reset~1100,400,hang"))
    eventually("the fifth attempt is under way", lambda: handler.arrived("counted", task_id) == 5)
    task = get_task(client, "counted", task_id)
    first, *_, last = handler.arrivals("counted", task_id)
    assert (task["dispatch_count"], task["response_count"]) == (5, 2)
    assert micros(task["first_attempt"]["dispatch_time"]) <= first.wall
    assert first.wall < micros(task["last_attempt"]["dispatch_time"]) <= last.wall
    assert "response_time" not in task["last_attempt"]
    client.call("delete_task", name=f"{queue_name('counted')}/tasks/{task_id}")


def test_run_task_dispatches_now_what_is_due_later(client: GoogleClient, handler: Handler, queue: str) -> None:
    due = wall() + HOUR * SECOND
    task_id = create_task(client, queue, handler.url("404,200"), schedule_time=rfc3339(due))
    answer = client.call("run_task", name=f"{queue_name(queue)}/tasks/{task_id}")
    assert answer["dispatch_count"] == 1
    assert micros(answer["schedule_time"]) == due
    assert "first_attempt" not in answer
    assert answer["last_attempt"] == {"schedule_time": answer["schedule_time"]}

    task = failed(client, queue, task_id)
    (forced,) = handler.arrivals(queue, task_id)
    assert forced.eta == due
    assert task["dispatch_count"] == 1
    assert micros(task["schedule_time"]) == micros(task["last_attempt"]["response_time"]) + HOUR * SECOND

    client.call("run_task", name=f"{queue_name(queue)}/tasks/{task_id}")
    eventually("it arrives again", lambda: handler.delivered(queue, task_id))
    assert [arrival.attempt for arrival in handler.arrivals(queue, task_id)] == [0, 1]
    eventually("the task is gone", lambda: is_gone(client, queue, task_id))


def test_an_attempt_without_an_answer_ends_with_its_deadline(
    client: GoogleClient, handler: Handler, queue: str, hanging: str
) -> None:
    task = failed(client, queue, hanging)
    (arrival,) = handler.arrivals(queue, hanging)
    last = task["last_attempt"]
    assert (task["dispatch_count"], task["response_count"]) == (1, 0)
    assert last["response_status"]["message"] == "DEADLINE_EXCEEDED(4): HTTP status code 504"
    assert last["response_status"]["code"] == 4
    eventually("the handler sees its connection closed", lambda: arrival.closed)
    assert micros(last["response_time"]) >= micros(last["dispatch_time"]) + 14.98 * SECOND  # the clocks may drift
    assert micros(task["schedule_time"]) == micros(last["response_time"]) + HOUR * SECOND
