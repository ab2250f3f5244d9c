"""A server in a process of its own, and a bystander who feels what attacks do to others."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from tests.endtoend.server import Server
from tests.hostile.bystander import Bystander, later
from tests.hostile.requests import QUEUE

STALL_MAX = 0.1
"""Seconds that a call of another caller may take at most while somebody attacks, beyond the longest that one took
beside honest calls: creates of tasks of 100 KB at full speed, from the same process. Both keep server and machine as
busy; what is left is what the attack adds."""
HONEST = 2.0
HONEST_BODY = 100_000
TRIES = 3
"""How often an attack is tried before its stall counts: what another process of the machine did does not come again."""

Unharmed = Callable[[str, Callable[[], None]], None]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory: Path = tmp_path_factory.mktemp("server")
    with Server(directory, "--drain", "0s", "--egress", "127.0.0.0/8") as server:
        server.start()
        httpx.post(f"http://{server.address}/v2/{QUEUE.rsplit('/', 1)[0]}", json={"name": QUEUE}).raise_for_status()
        yield server
        assert server.stop() == 0
        assert server.complaints() == []


@pytest.fixture(scope="module")
def channel(server: Server) -> Iterator[grpc.Channel]:
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    with grpc.insecure_channel(server.address, options) as channel:
        yield channel


@pytest.fixture(scope="module")
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{server.address}", timeout=120) as http:
        yield http


@pytest.fixture(scope="module")
def bystander(server: Server) -> Iterator[Bystander]:
    with Bystander(server.address, QUEUE) as bystander:
        yield bystander


@pytest.fixture(scope="module")
def stalls() -> Iterator[dict[str, float]]:
    """The longest stall of each attack, told at the end."""
    seen: dict[str, float] = {}
    yield seen
    worst = sorted(seen.items(), key=lambda item: -item[1])[:5]
    print("\nlongest stalls of others: " + ", ".join(f"{what} {1e3 * seconds:.0f} ms" for what, seconds in worst))


@pytest.fixture(scope="module")
def undisturbed(bystander: Bystander, http: httpx.Client) -> float:
    """Seconds of the bystander's longest call beside honest ones."""
    task = {"url": "http://127.0.0.1:9/", "body": base64.b64encode(os.urandom(HONEST_BODY)).decode()}
    call = {"task": {"httpRequest": task, "scheduleTime": later()}}
    bystander.longest()
    end = time.monotonic() + HONEST
    while time.monotonic() < end:
        http.post(f"/v2/{QUEUE}/tasks", json=call).raise_for_status()
    return bystander.longest()


@pytest.fixture
def unharmed(bystander: Bystander, undisturbed: float, stalls: dict[str, float]) -> Unharmed:
    """Runs attacks, during which nobody else may wait for long."""

    def attacked(what: str, attack: Callable[[], None]) -> None:
        longest = []
        for _ in range(TRIES):
            bystander.longest()
            attack()
            longest.append(bystander.longest())
            if longest[-1] < STALL_MAX + undisturbed:
                break
        stalls[what] = min(longest)
        assert stalls[what] < STALL_MAX + undisturbed, f"{what}: another call took {stalls[what]:.3f} s"

    return attacked
