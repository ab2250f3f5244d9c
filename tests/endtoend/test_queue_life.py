"""Paused, resumed, purged and deleted queues, as Google's client and a handler see them."""

from __future__ import annotations

import pytest
from tests.endtoend.calls import LOCATION, create_queue, create_task, get_task, is_gone, list_tasks, queue_name
from tests.endtoend.client import CallError, GoogleClient, micros, rfc3339
from tests.endtoend.dispatch_rules import SECOND, Retries
from tests.endtoend.handler import Handler, wall
from tests.endtoend.waiting import eventually


@pytest.fixture(scope="module")
def marker(client: GoogleClient) -> str:
    """A queue beside the others: when a task of it has arrived that was due later, the others had their chance."""
    create_queue(client, "marker")
    return "marker"


def wait_past(client: GoogleClient, handler: Handler, marker: str, moment: int) -> None:
    """Return when a task due at that moment has been dispatched."""
    task = create_task(client, marker, handler.url("200"), schedule_time=rfc3339(moment))
    eventually("the marker arrives", lambda: handler.delivered(marker, task))


def test_a_paused_queue_takes_tasks_and_sends_them_once_resumed(
    client: GoogleClient, handler: Handler, marker: str
) -> None:
    create_queue(client, "paused")
    assert client.call("pause_queue", name=queue_name("paused"))["state"] == "PAUSED"
    tasks = [create_task(client, "paused", handler.url("200")) for _ in range(20)]
    wait_past(client, handler, marker, wall() + SECOND // 2)
    assert set(list_tasks(client, "paused")) == set(tasks)
    resumed = wall()
    assert client.call("resume_queue", name=queue_name("paused"))["state"] == "RUNNING"
    eventually("all arrive", lambda: all(handler.delivered("paused", task) for task in tasks))
    assert min(handler.arrivals("paused", task)[0].wall for task in tasks) > resumed


def test_an_attempt_under_way_at_a_pause_ends_and_its_retry_waits(
    client: GoogleClient, handler: Handler, marker: str
) -> None:
    create_queue(client, "interrupted", Retries(min_backoff=0.05))
    task = create_task(client, "interrupted", handler.url("500~told,200"))
    eventually("the first attempt arrives", lambda: handler.arrived("interrupted", task) == 1)
    client.call("pause_queue", name=queue_name("interrupted"))
    handler.tell("interrupted", task)
    eventually("its answer is noted", lambda: "response_time" in get_task(client, "interrupted", task)["last_attempt"])
    wait_past(client, handler, marker, wall() + SECOND // 2)
    assert handler.arrived("interrupted", task) == 1
    client.call("resume_queue", name=queue_name("interrupted"))
    eventually("the retry arrives", lambda: handler.delivered("interrupted", task))


def test_run_task_works_on_a_paused_queue(client: GoogleClient, handler: Handler) -> None:
    create_queue(client, "forced")
    client.call("pause_queue", name=queue_name("forced"))
    task = create_task(client, "forced", handler.url("200"))
    client.call("run_task", name=f"{queue_name('forced')}/tasks/{task}")
    eventually("it arrives", lambda: handler.delivered("forced", task))


def test_purged_tasks_never_arrive_and_later_ones_do(client: GoogleClient, handler: Handler, marker: str) -> None:
    create_queue(client, "purged")
    due = wall() + SECOND
    old = [create_task(client, "purged", handler.url("200"), schedule_time=rfc3339(due)) for _ in range(20)]
    answer = client.call("purge_queue", name=queue_name("purged"))
    assert micros(answer["purge_time"]) <= wall()
    assert list_tasks(client, "purged") == {}
    new = create_task(client, "purged", handler.url("200"), schedule_time=rfc3339(due))
    wait_past(client, handler, marker, due + SECOND // 2)
    eventually("the new task arrives", lambda: handler.delivered("purged", new))
    assert [task for task in old if handler.arrived("purged", task)] == []
    with pytest.raises(CallError, match="a task with this name existed recently"):
        get_task(client, "purged", old[0])


def test_a_deleted_task_never_arrives(client: GoogleClient, handler: Handler, marker: str) -> None:
    create_queue(client, "thinned")
    due = wall() + SECOND
    tasks = [create_task(client, "thinned", handler.url("200"), schedule_time=rfc3339(due)) for _ in range(20)]
    for task in tasks[::2]:
        client.call("delete_task", name=f"{queue_name('thinned')}/tasks/{task}")
    wait_past(client, handler, marker, due + SECOND // 2)
    eventually("the others arrive", lambda: all(handler.delivered("thinned", task) for task in tasks[1::2]))
    assert [task for task in tasks[::2] if handler.arrived("thinned", task)] == []


def test_a_task_deleted_during_its_attempt_is_not_tried_again(
    client: GoogleClient, handler: Handler, marker: str
) -> None:
    create_queue(client, "regretted", Retries(min_backoff=0.05, max_backoff=0.05))
    task = create_task(client, "regretted", handler.url("500~told"))
    eventually("the attempt arrives", lambda: handler.arrived("regretted", task) == 1)
    client.call("delete_task", name=f"{queue_name('regretted')}/tasks/{task}")
    handler.tell("regretted", task)
    eventually("the handler has answered", lambda: handler.arrivals("regretted", task)[0].ended is not None)
    wait_past(client, handler, marker, wall() + SECOND // 2)
    assert handler.arrived("regretted", task) == 1


def test_the_tasks_of_a_deleted_queue_never_arrive(client: GoogleClient, handler: Handler, marker: str) -> None:
    create_queue(client, "doomed")
    due = wall() + SECOND
    tasks = [create_task(client, "doomed", handler.url("200"), schedule_time=rfc3339(due)) for _ in range(20)]
    client.call("delete_queue", name=queue_name("doomed"))
    wait_past(client, handler, marker, due + SECOND // 2)
    assert [task for task in tasks if handler.arrived("doomed", task)] == []

    codes = {
        "get_queue": client.reply("get_queue", name=queue_name("doomed")).code,
        "get_task": client.reply("get_task", name=f"{queue_name('doomed')}/tasks/{tasks[0]}").code,
        "create_task": client.reply(
            "create_task", parent=queue_name("doomed"), task={"http_request": {"url": "http://a"}}
        ).code,
        "delete_queue": client.reply("delete_queue", name=queue_name("doomed")).code,
        "create_queue": client.reply("create_queue", parent=LOCATION, queue={"name": queue_name("doomed")}).code,
    }
    assert codes.pop("create_queue") == "FAILED_PRECONDITION"  # the name stays taken for a week
    assert set(codes.values()) == {"NOT_FOUND"}


def test_new_settings_hold_for_tasks_that_wait(client: GoogleClient, handler: Handler) -> None:
    create_queue(client, "changed", Retries(min_backoff=3600))
    task = create_task(client, "changed", handler.url("500"))
    eventually(
        "the attempt is noted", lambda: "response_time" in get_task(client, "changed", task).get("last_attempt", {})
    )
    client.call(
        "update_queue",
        queue={"name": queue_name("changed"), "retry_config": {"max_attempts": 2}},
        update_mask="retryConfig.maxAttempts",
    )
    client.call("run_task", name=f"{queue_name('changed')}/tasks/{task}")
    eventually("it gives up", lambda: is_gone(client, "changed", task))
    assert [arrival.attempt for arrival in handler.arrivals("changed", task)] == [0, 1]
