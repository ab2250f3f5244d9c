"""What must be the same after a ``kill -9`` as before it: states, times, names, rates."""

from __future__ import annotations

import base64
from itertools import combinations
from typing import Any

from tests.endtoend.calls import LOCATION, create_queue, create_task, get_task, is_gone, list_tasks, queue_name
from tests.endtoend.client import GoogleClient, micros, rfc3339
from tests.endtoend.dispatch_rules import SECOND, Retries
from tests.endtoend.handler import Handler, wall
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually
from tests.kit.lives import kill_and_start

HOUR = 3600


def test_a_paused_queue_stays_paused_with_its_tasks(server: Server, client: GoogleClient, handler: Handler) -> None:
    create_queue(client, "paused")
    create_queue(client, "beside")
    client.call("pause_queue", name=queue_name("paused"))
    tasks = [create_task(client, "paused", handler.url("200")) for _ in range(30)]

    kill_and_start(server, client, handler)

    assert client.call("get_queue", name=queue_name("paused"))["state"] == "PAUSED"
    marker = create_task(client, "beside", handler.url("200"))
    eventually("the queue beside it works", lambda: handler.delivered("beside", marker))
    assert set(list_tasks(client, "paused")) == set(tasks)
    resumed = wall()
    client.call("resume_queue", name=queue_name("paused"))
    eventually("all arrive", lambda: all(handler.delivered("paused", task) for task in tasks))
    assert min(handler.arrivals("paused", task)[0].wall for task in tasks) > resumed
    assert [handler.arrived("paused", task) for task in tasks] == [1] * 30


def test_tasks_survive_whole_and_are_sent_at_their_times(
    server: Server, client: GoogleClient, handler: Handler
) -> None:
    create_queue(
        client, "later", Retries(min_backoff=0.3, max_attempts=7), rate_limits={"max_dispatches_per_second": 77}
    )
    now = wall()
    soon = [
        create_task(client, "later", handler.url("200"), schedule_time=rfc3339(now + number * SECOND // 5))
        for number in range(15)
    ]
    request = {"url": handler.url("200", "/a b"), "http_method": "PUT", "headers": {"X-Kept": "yes"}}
    request["body"] = base64.b64encode(bytes(range(256)) * 300).decode()
    far = create_task(
        client, "later", "http://unused.example", schedule_time=rfc3339(now + 700 * HOUR * SECOND), http_request=request
    )
    before = client.call("get_task", name=f"{queue_name('later')}/tasks/{far}", response_view="FULL")
    queue_before = client.call("get_queue", name=queue_name("later"))

    kill_and_start(server, client, handler)

    after = client.call("get_task", name=f"{queue_name('later')}/tasks/{far}", response_view="FULL")
    assert after == before
    assert after["http_request"]["body"] == request["body"]
    assert client.call("get_queue", name=queue_name("later")) == queue_before
    eventually("all that is due soon arrives", lambda: all(handler.delivered("later", task) for task in soon))
    for number, task in enumerate(soon):
        assert handler.arrivals("later", task)[-1].wall >= now + number * SECOND // 5


def test_counts_and_the_wait_for_a_retry_survive(server: Server, client: GoogleClient, handler: Handler) -> None:
    create_queue(client, "retried", Retries(min_backoff=HOUR, max_backoff=HOUR))
    task = create_task(client, "retried", handler.url("404,200"))
    eventually(
        "the attempt is noted", lambda: "response_time" in get_task(client, "retried", task).get("last_attempt", {})
    )
    before = get_task(client, "retried", task)

    kill_and_start(server, client, handler)

    name = f"{queue_name('retried')}/tasks/{task}"
    assert get_task(client, "retried", task) == before
    client.call("run_task", name=name)
    eventually("it arrives", lambda: handler.delivered("retried", task))
    retry = handler.arrivals("retried", task)[1]
    assert retry.attempt == 1
    assert retry.header("X-CloudTasks-TaskExecutionCount") == "1"
    assert retry.header("X-CloudTasks-TaskPreviousResponse") == "404"


def test_an_attempt_cut_off_by_a_kill_is_made_again(server: Server, client: GoogleClient, handler: Handler) -> None:
    create_queue(client, "cut", rate_limits={"max_concurrent_dispatches": 5})
    tasks = [create_task(client, "cut", handler.url("hang,200")) for _ in range(5)]
    eventually("all are under way", lambda: all(handler.arrived("cut", task) for task in tasks))

    kill_and_start(server, client, handler)

    eventually("all arrive again", lambda: all(handler.delivered("cut", task) for task in tasks))
    assert [[arrival.attempt for arrival in handler.arrivals("cut", task)] for task in tasks] == [[0, 1]] * 5


def test_names_stay_taken(server: Server, client: GoogleClient, handler: Handler) -> None:
    create_queue(client, "names")
    create_queue(client, "gone")
    client.call("delete_queue", name=queue_name("gone"))
    names = {kind: f"{queue_name('names')}/tasks/{kind}" for kind in ("finished", "deleted", "purged")}
    due = rfc3339(wall() + HOUR * SECOND)
    for kind, name in names.items():
        schedule = {} if kind == "finished" else {"schedule_time": due}
        create_task(client, "names", handler.url("200"), name=name, **schedule)
    client.call("delete_task", name=names["deleted"])
    eventually("one is finished", lambda: is_gone(client, "names", "finished"))
    client.call("purge_queue", name=queue_name("names"))

    kill_and_start(server, client, handler)

    for name in names.values():
        task = {"name": name, "http_request": {"url": handler.url("200")}}
        reply = client.reply("create_task", parent=queue_name("names"), task=task)
        assert reply.code == "ALREADY_EXISTS"
        assert "existed too recently" in reply.message
    reply = client.reply("create_queue", parent=LOCATION, queue={"name": queue_name("gone")})
    assert reply.code == "FAILED_PRECONDITION"
    assert [handler.arrived("names", kind) for kind in names] == [1, 0, 0]


def test_leases_survive(server: Server, handler: Handler) -> None:
    with GoogleClient(server.address, "v2beta2") as worker:
        pull = queue_name("pull")
        worker.call("create_queue", parent=LOCATION, queue={"name": pull, "pull_target": {}})
        names = {f"{pull}/tasks/{number}" for number in range(10)}
        for name in names:
            worker.call("create_task", parent=pull, task={"name": name, "pull_message": {"payload": "AA=="}})
        held = worker.call("lease_tasks", parent=pull, max_tasks=4, lease_duration="600s")["tasks"]
        first, second, third, _ = held
        worker.call("acknowledge_task", name=first["name"], schedule_time=first["schedule_time"])

        kill_and_start(server, worker, handler)

        others = worker.call("lease_tasks", parent=pull, max_tasks=10, lease_duration="600s")["tasks"]
        assert {task["name"] for task in others} == names - {task["name"] for task in held}
        worker.call("acknowledge_task", name=second["name"], schedule_time=second["schedule_time"])
        worker.call("cancel_lease", name=third["name"], schedule_time=third["schedule_time"])
        (back,) = worker.call("lease_tasks", parent=pull, max_tasks=10, lease_duration="600s")["tasks"]
        assert back["name"] == third["name"]
        left = {task["name"] for task in worker.call("list_tasks", parent=pull, page_size=1000)}
        assert left == names - {first["name"], second["name"]}


def test_a_rate_holds_across_kills(server: Server, client: GoogleClient, handler: Handler) -> None:
    rate, burst = 5, 10
    limits = {"max_dispatches_per_second": rate}
    create_queue(client, "slow", Retries(min_backoff=HOUR, max_backoff=HOUR), rate_limits=limits)
    assert client.call("get_queue", name=queue_name("slow"))["rate_limits"]["max_burst_size"] == burst
    tasks = [create_task(client, "slow", handler.url("404")) for _ in range(35)]

    for some in (12, 20):
        wait_for_arrivals(handler, tasks, some)
        kill_and_start(server, client, handler)
    wait_for_arrivals(handler, tasks, len(tasks))

    shown = list_tasks(client, "slow")
    moments = sorted(moment for task in tasks for moment in dispatched(shown[task]))
    assert len(moments) >= len(tasks)
    for start, end in combinations(range(len(moments)), 2):
        window = (moments[end] - moments[start]) / SECOND
        assert end - start + 1 <= burst + rate * window + 0.001, f"{end - start + 1} attempts in {window} s"
    for task in tasks:
        assert handler.arrivals("slow", task)[0].wall >= micros(shown[task]["first_attempt"]["dispatch_time"])


def wait_for_arrivals(handler: Handler, tasks: list[str], number: int) -> None:
    eventually(f"{number} tasks arrive", lambda: sum(handler.arrived("slow", task) > 0 for task in tasks) >= number)


def dispatched(task: dict[str, Any]) -> set[int]:
    """When the attempts of a task began: the first and the last, for no more is shown."""
    return {micros(task[attempt]["dispatch_time"]) for attempt in ("first_attempt", "last_attempt")}
