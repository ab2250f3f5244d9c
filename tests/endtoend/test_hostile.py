"""Handlers that do their worst, thousands at once: their attempts end, and nobody else notices.

``make hostile`` has 5,000 of them hang at the same time; by itself the test makes do with fewer.
"""

from __future__ import annotations

import base64
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.endtoend.calls import create_queue, list_tasks, queue_name
from tests.endtoend.client import GoogleClient, micros, rfc3339
from tests.endtoend.dispatch_rules import SECOND, Retries
from tests.endtoend.handler import wall
from tests.endtoend.hostile_handler import HostileHandler
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually, eventually_all

HANGING = int(os.environ.get("HOSTILE", "150"))
LARGE = HANGING > 1000
EACH = 100 if LARGE else 10
BULKY = 40 if LARGE else 20  # of a megabyte; 16 at a time are half of the room for them
POLITE = 1000 if LARGE else 100
MEBIBYTE = 2**20
MEMORY_MAX = 350 * MEBIBYTE
STAYS_MAX = 128 * MEBIBYTE
"""The page cache of the store, program pages that came back, and what lies between."""
DEADLINE = 15  # seconds; the shortest there is
CALLS_UNDER_WAY = 200

OUTCOMES = {
    "hang": "DEADLINE_EXCEEDED(4): HTTP status code 504",
    "drip": "DEADLINE_EXCEEDED(4): HTTP status code 504",
    "reset": "UNKNOWN(2): HTTP status code 0",
    "headers": "UNKNOWN(2): HTTP status code 0",
}
DELIVERED = ("flood", "bomb")  # they began with 200; the rest of what they say is not read

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at the server in /proc")


@pytest.fixture(scope="module", autouse=True)
def enough_descriptors() -> Iterator[None]:
    """For both ends of each connection: the server inherits the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * HANGING + 4096
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def hostile(enough_descriptors: None) -> Iterator[HostileHandler]:
    with HostileHandler() as handler:
        yield handler


@pytest.fixture(scope="module")
def polite(enough_descriptors: None) -> Iterator[HostileHandler]:
    """Another one, asked only for polite deeds: its own delays are not the server's."""
    with HostileHandler() as handler:
        yield handler


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, enough_descriptors: None) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), "--drain", "0s") as server:
        yield server.start()
        assert server.stop() == 0
        assert server.complaints() == []


def memory(server: Server, what: str) -> int:
    """Bytes that the server's process holds (VmRSS) or held at most (VmHWM)."""
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what))


def forget_peak(server: Server) -> None:
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")


def descriptors(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.pid}/fd"))  # noqa: PTH208 - names only


def create(
    client: GoogleClient,
    queue: str,
    url: str,
    count: int,
    *,
    body: bytes = b"x" * 100,
    due: Sequence[int] = (),
    under_way: int = CALLS_UNDER_WAY,
) -> None:
    """Create tasks, ``due`` at those times if given."""
    request = {"url": url, "body": base64.b64encode(body).decode()}
    task = {"http_request": request, "dispatch_deadline": f"{DEADLINE}s"}
    for start in range(0, count, under_way):
        times = [{"schedule_time": rfc3339(when)} for when in due[start : start + under_way]]
        tasks = [{**task, **time} for time in times or [{}] * min(under_way, count - start)]
        futures = [client.submit("create_task", parent=queue_name(queue), task=each) for each in tasks]
        assert {future.result().code for future in futures} == {"OK"}


def lateness(client: GoogleClient, polite: HostileHandler, begin: int) -> list[float]:
    """By how many seconds polite calls come late, that are due over 20 seconds; sorted."""
    polite.forget()
    due = [begin + number * 20 * SECOND // POLITE for number in range(POLITE)]
    create(client, "polite", polite.url("polite"), POLITE, due=due)
    if LARGE:
        assert wall() < begin, "creating them took longer than planned; try again on a quieter machine"
    eventually_all("the polite ones arrive", lambda: POLITE - len(polite.seen().late))
    return sorted(polite.seen().late)


def share(late: list[float], part: float) -> float:
    return late[min(len(late) - 1, int(len(late) * part))]


def said(late: list[float]) -> str:
    return f"p50 {share(late, 0.5) * 1e3:.1f} ms p99 {share(late, 0.99) * 1e3:.1f} ms"


def attempted(client: GoogleClient, queue: str, count: int) -> dict[str, Any]:
    """The tasks of a queue once each has had its attempt."""

    def waiting() -> int:
        tasks = listed(client, queue)
        return count - sum("response_time" in task.get("last_attempt", {}) for task in tasks.values())

    eventually_all(f"all attempts of {queue} end", waiting)
    return listed(client, queue)


def listed(client: GoogleClient, queue: str) -> dict[str, Any]:
    return list_tasks(client, queue)


def test_hostile_handlers_hurt_nobody_but_themselves(
    client: GoogleClient, hostile: HostileHandler, polite: HostileHandler, server: Server
) -> None:
    for deed in (*OUTCOMES, *DELIVERED, "bulky"):
        limits = {"max_dispatches_per_second": 500, "max_concurrent_dispatches": 5000}
        create_queue(client, deed, Retries(min_backoff=3600), rate_limits=limits)
    create_queue(client, "polite")
    create(client, "polite", polite.url("polite"), 20)
    eventually_all("the first polite ones arrive", lambda: 20 - len(polite.seen().late))
    undisturbed = lateness(client, polite, wall() + 5 * SECOND) if LARGE else []
    polite.forget()
    before, open_before = memory(server, "VmRSS"), descriptors(server)

    create(client, "bulky", hostile.url("hang"), BULKY, body=os.urandom(1_000_000), under_way=4)
    forget_peak(server)  # what creating them took is another question
    begin = wall() + (20 if LARGE else 2) * SECOND
    create(client, "hang", hostile.url("hang"), HANGING, due=[begin] * HANGING)
    for deed in OUTCOMES.keys() - {"hang"} | set(DELIVERED):
        create(client, deed, hostile.url(deed), EACH, due=[begin] * EACH)
    late = lateness(client, polite, begin)
    for deed, outcome in OUTCOMES.items():
        tasks = attempted(client, deed, HANGING if deed == "hang" else EACH)
        assert {task["last_attempt"]["response_status"]["message"] for task in tasks.values()} == {outcome}
        if "DEADLINE" in outcome:
            for task in tasks.values():
                last = task["last_attempt"]
                assert micros(last["response_time"]) >= micros(last["dispatch_time"]) + 14.98 * SECOND
    for deed in DELIVERED:
        eventually_all(f"{deed} counts as delivered", lambda deed=deed: len(listed(client, deed)))  # type: ignore[misc]
    attempted(client, "bulky", BULKY)

    peak, after, seen = memory(server, "VmHWM"), memory(server, "VmRSS"), hostile.seen()
    print(
        f"\nopen at once {seen.most_open}, memory {before // MEBIBYTE} -> at most {peak // MEBIBYTE} ->"
        f" {after // MEBIBYTE} MiB, arrivals {dict(seen.arrived)}, polite lateness {said(late)}"
        + (f", undisturbed {said(undisturbed)}" if undisturbed else "")
    )
    assert seen.most_open >= HANGING * 0.9
    assert peak < MEMORY_MAX
    assert min(late) >= 0
    eventually_all("descriptors are given back", lambda: max(0, descriptors(server) - open_before - 8))
    if LARGE:
        assert share(late, 0.99) < 0.05 + 4 * share(undisturbed, 0.99), (
            "others were late, on a machine that could do it"
        )
        eventually("memory is given back", lambda: memory(server, "VmRSS") < before + STAYS_MAX)
