"""Clients that give up at random moments: what they asked for is done whole or not at all, and nobody else notices."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import grpc
import httpx
import pytest
from tests.cli.serving import served

from tidegate.schema import v2

QUEUE = "projects/p/locations/l/queues/q"
CALLERS = 8
CALLS = 150
"""Of each caller."""


@pytest.fixture
def log(tmp_path: Path) -> Iterator[IO[str]]:
    with (tmp_path / "err").open("w+") as file:
        yield file


@pytest.fixture
def address(tmp_path: Path, log: IO[str]) -> Iterator[str]:
    with served("--store", "sqlite:///t.db", "--queue", QUEUE, directory=tmp_path, stderr=log) as address:
        httpx.post(f"http://{address}/v2/{QUEUE}:pause", json={})
        yield address


def request(name: str) -> bytes:
    message = v2.CloudTasks.create_task.request_pb(
        parent=QUEUE,
        task={"name": name, "http_request": {"url": "http://127.0.0.1:9/", "body": b"x" * 500}},
    )
    return bytes(message.SerializeToString())


class Caller:
    """Creates tasks over a channel of its own and leaves most calls before, while or after they are answered."""

    def __init__(self, address: str, number: int) -> None:
        self._address = address
        self._number = number
        self._dice = random.Random(number)
        self.answered: list[str] = []
        self.left: list[str] = []

    def run(self) -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(self._address, options) as channel:
            create: Any = channel.unary_unary(v2.CloudTasks.create_task.grpc_path)
            for call in range(CALLS):
                name = f"{QUEUE}/tasks/{self._number}-{call}"
                future = create.future(request(name))
                if self._dice.random() < 0.7:
                    try:
                        future.result(timeout=self._dice.uniform(0, 0.01))
                    except grpc.FutureTimeoutError:
                        future.cancel()
                        self.left.append(name)
                        continue
                else:
                    future.result(timeout=60)
                self.answered.append(name)


def tasks_of(address: str) -> set[str]:
    names: set[str] = set()
    token = ""
    while True:
        page: dict[str, Any] = httpx.get(
            f"http://{address}/v2/{QUEUE}/tasks", params={"pageToken": token, "pageSize": 1000}
        ).json()
        names |= {task["name"] for task in page.get("tasks", ())}
        token = page.get("nextPageToken", "")
        if not token:
            return names


def test_what_was_answered_is_there_and_what_was_left_is_there_whole_or_not_at_all(address: str, log: IO[str]) -> None:
    callers = [Caller(address, number) for number in range(CALLERS)]
    with ThreadPoolExecutor(CALLERS) as pool:
        for running in [pool.submit(caller.run) for caller in callers]:
            running.result()
    answered = {name for caller in callers for name in caller.answered}
    left = {name for caller in callers for name in caller.left}
    assert answered
    assert left
    stored = tasks_of(address)
    assert answered <= stored
    assert stored <= answered | left
    for name in sorted(left)[:50]:
        again = httpx.post(
            f"http://{address}/v2/{QUEUE}/tasks",
            json={"task": {"name": name, "httpRequest": {"url": "http://127.0.0.1:9/"}}},
        )
        assert again.status_code == (409 if name in stored else 200)
    log.seek(0)
    assert [line for line in log if "Traceback" in line or "ERROR" in line] == []


def test_a_client_that_hangs_up_in_the_middle_of_a_body_leaves_nothing_behind(address: str, log: IO[str]) -> None:
    host, port = address.split(":")
    head = f"POST /v2/{QUEUE}/tasks HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    for sent in ("", '{"task":{"httpRequest":'):
        with socket.create_connection((host, int(port))) as wire:
            wire.sendall(f"{head}Content-Length: 1000\r\n\r\n{sent}".encode())
    assert tasks_of(address) == set()
    log.seek(0)
    assert [line for line in log if "failed" in line or "Traceback" in line] == []
