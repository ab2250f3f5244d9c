"""A server that is killed or delayed inside a system call keeps what it acknowledged.

The long form: ``make faults KILLS=200``.
"""

from __future__ import annotations

import os
from concurrent.futures import Future
from itertools import count

import pytest
from tests.endtoend.calls import create_queue, create_task, get_task, is_gone, list_tasks, queue_name
from tests.endtoend.client import GoogleClient, Reply, rfc3339
from tests.endtoend.handler import Handler, wall
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually
from tests.faults.tracer import Tracer, may_trace
from tests.kit.figures import note
from tests.kit.lives import start
from tests.kit.told import Told

KILLS = int(os.environ.get("KILLS", "6"))
HOUR = 3600 * 1_000_000

pytestmark = pytest.mark.skipif(not may_trace(), reason="needs strace and the permission to trace")


@pytest.mark.timeout(180 + 20 * KILLS)
def test_killed_at_any_sync_or_write_it_has_what_it_acknowledged(
    server: Server, client: GoogleClient, handler: Handler
) -> None:
    create_queue(client, "kept")
    due = rfc3339(wall() + HOUR)
    told = Told()
    numbers = count()
    for kill in range(KILLS):
        call = ("fdatasync", "pwrite64")[kill % 2]
        with Tracer(server, f"{call}:signal=SIGKILL:when={1 + kill // 2 % 40}"):
            while True:
                if len(told.kept()) > 5 and next(numbers) % 3 == 0:
                    task = min(told.kept())
                    told.removal_asked.add(task)
                    reply = client.reply("delete_task", name=f"{queue_name('kept')}/tasks/{task}")
                    if reply.code == "OK":
                        told.removed.add(task)
                else:
                    task = f"t{kill:03}-{next(numbers):06}"
                    name = f"{queue_name('kept')}/tasks/{task}"
                    message = {"name": name, "schedule_time": due, "http_request": {"url": handler.url("200")}}
                    reply = client.reply("create_task", parent=queue_name("kept"), task=message)
                    (told.created if reply.code == "OK" else told.unsure).add(task)
                if reply.code != "OK":
                    assert reply.code == "UNAVAILABLE", reply
                    break
            assert server.wait() == -9
        start(server, client)
        there = set(list_tasks(client, "kept"))
        assert told.lost(there) == set(), f"lost after kill {kill} in {call}"
        assert told.returned(there) == set(), f"came back after kill {kill} in {call}"
        assert told.made_up(there) == set()
        # What nobody answered is known from now on: it is there and stays, or never comes.
        told.created |= told.unsure & there
        told.removed |= (told.created | told.unsure) - there
    note("syscalls", kills=KILLS, acknowledged=len(told.created - told.unsure), violations=0)


def test_while_syncs_are_slow_new_tasks_are_refused_in_time_and_reads_go_on(
    server: Server, client: GoogleClient, handler: Handler
) -> None:
    create_queue(client, "slow")
    client.call("pause_queue", name=queue_name("slow"))
    replies: list[Reply] = []
    pending: list[Future[Reply]] = []
    task = {"http_request": {"url": handler.url("200")}}

    def refused() -> bool:
        waiting = [client.submit("create_task", parent=queue_name("slow"), task=task) for _ in range(5)]
        replies.extend(each.result() for each in waiting if each.done())
        pending.extend(each for each in waiting if not each.done())
        return any(each.done() and each.result().code == "RESOURCE_EXHAUSTED" for each in pending)

    with Tracer(server, "fdatasync:delay_enter=3000000"):
        eventually("some are refused", refused)
        assert client.call("get_queue", name=queue_name("slow"))["state"] == "PAUSED"
        assert server.ready()
    replies += [each.result() for each in pending]
    assert {reply.code for reply in replies} <= {"OK", "RESOURCE_EXHAUSTED"}
    messages = {reply.message for reply in replies if reply.code != "OK"}
    assert messages == {"The server's disk does not keep up with new tasks."}
    created = {reply.answer["name"].rsplit("/", 1)[1] for reply in replies if reply.code == "OK"}
    assert set(list_tasks(client, "slow")) == created
    client.call("resume_queue", name=queue_name("slow"))
    eventually("all are delivered", lambda: all(handler.delivered("slow", each) for each in created))
    eventually("and are over", lambda: all(is_gone(client, "slow", each) for each in created))
    assert {handler.arrived("slow", each) for each in created} == {1}


def test_syncs_that_take_their_time_change_nothing_but_the_time(
    server: Server, client: GoogleClient, handler: Handler
) -> None:
    create_queue(client, "slow")
    with Tracer(server, "fdatasync:delay_enter=50000"):
        tasks = [create_task(client, "slow", handler.url("500,200")) for _ in range(10)]
        far = create_task(client, "slow", handler.url("200"), schedule_time=rfc3339(wall() + HOUR))
        eventually("all are delivered", lambda: all(handler.delivered("slow", task) for task in tasks))
        eventually("and are over", lambda: all(is_gone(client, "slow", task) for task in tasks))
    assert get_task(client, "slow", far)["name"].endswith(far)
    assert {handler.arrived("slow", task) for task in tasks} == {2}
