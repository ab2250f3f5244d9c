"""The server with a name server that never answers. Run by test_own_network, with a network and a resolv.conf of its
own, where the name server is a socket that nobody reads from.
"""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tests.delivery.network import raise_loopback
from tests.endtoend.calls import create_queue, create_task
from tests.endtoend.client import GoogleClient
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually

TASKS = 300
PATIENCE = 10.0
"""Seconds; far more than a task to a known name takes, far fewer than the silent names would take one by one."""


@pytest.fixture(autouse=True)
def silent_name_server(tmp_path: Path) -> Iterator[socket.socket]:
    raise_loopback()
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (tmp_path / "hosts").write_text("127.0.0.1 localhost good.test\n")
    for name in ("resolv.conf", "hosts"):
        subprocess.run(["mount", "--bind", str(tmp_path / name), f"/etc/{name}"], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 53))
        yield silent


def test_a_silent_name_server_does_not_stop_other_queues(tmp_path: Path, silent_name_server: socket.socket) -> None:
    with Server(tmp_path, "--drain", "1s") as server, Handler() as handler:
        server.start()
        with GoogleClient(server.address) as client:
            create_queue(client, "bad")
            create_queue(client, "good")
            for number in range(TASKS):
                create_task(client, "bad", f"http://{number}.silent.test/")
            silent_name_server.settimeout(PATIENCE)
            silent_name_server.recv(512)  # the first is being asked for
            for _ in range(10):
                task = create_task(client, "good", handler.url("200").replace("127.0.0.1", "good.test"))
                reached = partial(handler.delivered, "good", task)
                eventually("the good handler is reached", reached, patience=PATIENCE)
            assert client.call("get_queue", name="projects/p/locations/us-central1/queues/bad")["state"] == "RUNNING"
        assert server.stop() == 0
        assert server.complaints() == []
