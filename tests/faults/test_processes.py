"""A process that was asleep, or that may open no more files, goes on as it should."""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.endtoend.calls import LOCATION, create_queue, create_task, is_gone, queue_name
from tests.endtoend.client import GoogleClient, rfc3339
from tests.endtoend.dispatch_rules import Retries
from tests.endtoend.handler import Handler, wall
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually
from tests.faults.tracer import open_files

SECOND = 1_000_000

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes as Linux shows them")


@contextmanager
def asleep(server: Server) -> Iterator[None]:
    """The server as on a machine that sleeps."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def test_what_a_machine_slept_through_is_done_once_it_wakes(
    server: Server, client: GoogleClient, handler: Handler
) -> None:
    create_queue(client, "q", Retries(min_backoff=0.5, max_backoff=0.5))
    under_way = [create_task(client, "q", handler.url("200~300")) for _ in range(10)]
    failed = [create_task(client, "q", handler.url("404,200")) for _ in range(10)]
    soon = wall() + SECOND
    later = [create_task(client, "q", handler.url("200"), schedule_time=rfc3339(soon)) for _ in range(10)]
    eventually("attempts are under way", lambda: all(handler.arrived("q", task) for task in under_way))
    with asleep(server):
        waiting = client.submit(
            "create_task", parent=queue_name("q"), task={"http_request": {"url": handler.url("200")}}
        )
        eventually("the answers are given", lambda: all(handler.delivered("q", task) for task in under_way))
        slept_until = soon + SECOND  # past what was due, past the backoff
        time.sleep(max(0, slept_until - wall()) / SECOND)
    created = waiting.result().answer["name"].rsplit("/", 1)[1]
    everything = [*under_way, *failed, *later, created]
    eventually("all are delivered", lambda: all(handler.delivered("q", task) for task in everything))
    eventually("and are over", lambda: all(is_gone(client, "q", task) for task in everything))
    assert {handler.arrived("q", task) for task in [*under_way, *later, created]} == {1}
    assert {handler.arrived("q", task) for task in failed} == {2}
    assert all(handler.arrivals("q", task)[0].wall >= soon for task in later)


def test_a_lease_that_ran_out_in_the_servers_sleep_is_lost(server: Server) -> None:
    with GoogleClient(server.address, "v2beta2") as worker:
        pull = queue_name("pull")
        worker.call("create_queue", parent=LOCATION, queue={"name": pull, "pull_target": {}})
        worker.call("create_task", parent=pull, task={"pull_message": {"payload": "AA=="}})
        (held,) = worker.call("lease_tasks", parent=pull, max_tasks=1, lease_duration="1s")["tasks"]
        with asleep(server):
            time.sleep(1.1)
        reply = worker.reply("acknowledge_task", name=held["name"], schedule_time=held["schedule_time"])
        assert reply.code == "FAILED_PRECONDITION"
        (again,) = worker.call("lease_tasks", parent=pull, max_tasks=1, lease_duration="60s")["tasks"]
        assert again["name"] == held["name"]
        worker.call("acknowledge_task", name=again["name"], schedule_time=again["schedule_time"])


@pytest.mark.timeout(120)
def test_a_deadline_that_passed_in_the_servers_sleep_has_passed(
    server: Server, client: GoogleClient, handler: Handler
) -> None:
    create_queue(client, "q")
    task = create_task(client, "q", handler.url("hang,200"), dispatch_deadline="15s")
    eventually("it is under way", lambda: handler.arrived("q", task) == 1)
    with asleep(server):
        time.sleep(15.5)
    eventually("it is made again", lambda: handler.delivered("q", task))
    assert [arrival.closed for arrival in handler.arrivals("q", task)] == [True, False]


def test_out_of_files_attempts_wait_until_some_may_be_opened_again(
    server: Server, client: GoogleClient, handler: Handler
) -> None:
    # One attempt each: an attempt that has no file descriptor is not sent, and does not count.
    create_queue(client, "many", Retries(max_attempts=1), rate_limits={"max_concurrent_dispatches": 100})
    before = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (open_files(server) + 8, before[1]))
    tasks = [create_task(client, "many", handler.url("200~300")) for _ in range(60)]
    eventually("some get through", lambda: any(handler.delivered("many", task) for task in tasks))
    assert client.call("get_queue", name=queue_name("many"))["state"] == "RUNNING"
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, before)
    eventually("all are delivered", lambda: all(handler.delivered("many", task) for task in tasks))
    eventually("and are over", lambda: all(is_gone(client, "many", task) for task in tasks))
    assert {handler.arrived("many", task) for task in tasks} == {1}
