"""Answers and uploads that are large together: pages end, memory has a bound, and nobody else waits."""

from __future__ import annotations

import os
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually
from tests.hostile.conftest import Unharmed
from tests.hostile.requests import LOCATION, QUEUE

from tidegate.core.validation import PAGE_BYTES_MAX
from tidegate.schema import v2

LONG = "HOSTILE" in os.environ
LARGE_TASKS = 300 if LONG else 60
QUEUES = 43_000 if LONG else 1500
MEBIBYTE = 2**20
BODY = MEBIBYTE - 2000
API = v2.CloudTasks


def call(channel: grpc.Channel, row: Any, **fields: Any) -> Any:
    answer: bytes = channel.unary_unary(row.grpc_path)(row.request_pb(**fields).SerializeToString(), timeout=120)
    return row.response_pb.FromString(answer)


def have_queue(channel: grpc.Channel, queue: str) -> None:
    call(channel, API.update_queue, queue=v2.Queue.pb(v2.Queue(name=queue)))


def memory(server: Server, what: str) -> int:
    """Bytes that the server's process holds (VmRSS) or held at most (VmHWM)."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the server in /proc")
@pytest.mark.parametrize("rest", [False, True], ids=["grpc", "rest"])
def test_a_list_of_large_tasks_comes_in_pages_of_bytes(
    rest: bool, server: Server, channel: grpc.Channel, http: httpx.Client, unharmed: Unharmed
) -> None:
    queue = f"{LOCATION}/queues/large"
    have_queue(channel, queue)
    call(channel, API.pause_queue, name=queue)
    there = {task.name for task in call(channel, API.list_tasks, parent=queue).tasks}
    for _ in range(LARGE_TASKS - len(there)):
        task = v2.Task(http_request=v2.HttpRequest(url="http://127.0.0.1:9/", body=os.urandom(BODY)))
        call(channel, API.create_task, parent=queue, task=v2.Task.pb(task))
    before = memory(server, "VmRSS")

    def walk() -> None:
        names: list[str] = []
        token = ""
        while True:
            if rest:
                query = {"responseView": "FULL", "pageToken": token}
                page = http.get(f"/v2/{queue}/tasks", params=query).json()
                found, token = page.get("tasks", []), page.get("nextPageToken", "")
                names += [task["name"] for task in found]
                assert sum(len(task["httpRequest"]["body"]) for task in found) <= PAGE_BYTES_MAX * 4 // 3 + 8
            else:
                answer = call(channel, API.list_tasks, parent=queue, response_view=2, page_token=token)
                token = answer.next_page_token
                names += [task.name for task in answer.tasks]
                assert answer.ByteSize() <= PAGE_BYTES_MAX + 64 * 1024
            if not token:
                break
        assert len(names) == len(set(names)) == LARGE_TASKS

    unharmed(f"{LARGE_TASKS} tasks of a megabyte in FULL view over {'REST' if rest else 'gRPC'}", walk)
    assert memory(server, "VmRSS") < before + 200 * MEBIBYTE


def test_a_filter_over_many_queues_holds_nobody_up(
    http: httpx.Client, channel: grpc.Channel, unharmed: Unharmed
) -> None:
    parent = "projects/hostile/locations/many"
    create: Any = channel.unary_unary(API.create_queue.grpc_path)
    names = [f"{parent}/queues/q{number}" for number in range(QUEUES)]
    for start in range(0, QUEUES, 200):
        requests = [
            API.create_queue.request_pb(parent=parent, queue=v2.Queue.pb(v2.Queue(name=name)))
            for name in names[start : start + 200]
        ]
        for future in [create.future(request.SerializeToString(), timeout=60) for request in requests]:
            future.result()
    query = " OR ".join(f"name: x{number}" for number in range(200))

    def lists() -> None:
        assert http.get(f"/v2/{parent}/queues", params={"filter": query}).json() == {}
        shown = []
        token = ""
        while page := http.get(f"/v2/{parent}/queues", params={"pageToken": token}).json():
            shown += [queue["name"] for queue in page["queues"]]
            token = page["nextPageToken"]
        assert sorted(shown) == sorted(names)

    unharmed(f"lists of {QUEUES} queues", lists)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at the server in /proc")
def test_uploads_held_open_are_bounded_together(server: Server, http: httpx.Client, unharmed: Unharmed) -> None:
    size = 100 * MEBIBYTE
    uploads = 16 if LONG else 4
    before = memory(server, "VmRSS")
    head = (
        f"POST /v2/{QUEUE}/tasks:batchCreate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        f"content-length: {size + 10}\r\n\r\n"
    ).encode()

    def hold() -> None:
        with ExitStack() as open_:
            for _ in range(uploads):
                upload = open_.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=120))
                upload.sendall(head + b'{"requestId": "')
                for _ in range(size // MEBIBYTE):
                    upload.sendall(b"x" * (MEBIBYTE - 1) + b" ")
            held = memory(server, "VmRSS")
            assert held < before + 256 * MEBIBYTE + 300 * MEBIBYTE

    unharmed(f"{uploads} uploads of {size // MEBIBYTE} MiB", hold)
    eventually("what they held is given back", lambda: http.post(f"/v2/{QUEUE}:pause", json={}).status_code == 200)
    http.post(f"/v2/{QUEUE}:resume", json={}).raise_for_status()
