"""Backups made under load and restored elsewhere: all that was acknowledged before a backup began is in it.

The long form: ``make backups BACKUPS=20 SEED=7``.
"""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.serving import environment
from tests.endtoend.handler import Arrival, Handler
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually, eventually_all
from tests.invariants.checker import check, violations
from tests.invariants.history import Answered, Called, Crashed, Entry, History, Replied, Requested, Settled, Started
from tests.kit.fixtures import alive
from tests.nodes.callers import LOCATION, Callers

BACKUPS = int(os.environ.get("BACKUPS", "1"))
SEED = int(os.environ.get("SEED", "1"))
THREADS = 6
QUEUES = ["q0", "q1"]


class FarToo(Callers):
    """Every other task is due long after the test, so that a backup has tasks that wait."""

    scheduled = 0.0

    def _task(self, name: str, dice: random.Random) -> dict[str, Any]:
        task = super()._task(name, dice)
        if is_far(name):
            due = datetime.now(UTC) + timedelta(hours=1)
            task["scheduleTime"] = due.isoformat().replace("+00:00", "Z")
        return task


def is_far(name: str) -> bool:
    return int(name[-1], 16) < 8


@pytest.mark.timeout(180 + 60 * BACKUPS)
@pytest.mark.parametrize("seed", range(SEED, SEED + BACKUPS))
def test_a_backup_made_under_load_has_every_acknowledged_task_when_restored_elsewhere(
    seed: int, tmp_path: Path, handler: Handler
) -> None:
    copy, home, elsewhere = tmp_path / "copy.db", tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    span: list[float] = []
    with alive(Server(home)) as server:
        callers = FarToo(lambda: [server.port], handler, QUEUES, seed)
        callers.set_up()

        def make_backup() -> None:
            eventually("tasks wait", lambda: sum(is_far(task) for task, _ in acknowledged(callers.entries)) >= 20)
            span.append(time.monotonic())
            backup(server.store, copy)
            span.append(time.monotonic())

        callers.work(THREADS, 1.5, make_backup)
        server.kill()  # the machine is gone, and its disk with it
        handler.next_life()
    began, ended = span
    shutil.rmtree(home)
    copy.rename(elsewhere / "tidegate.db")
    with alive(Server(elsewhere)) as restored:
        eventually_all(
            "every task that is due is delivered", lambda: sum(not is_far(task) for task in left(restored, handler))
        )
        there = left(restored, handler)
        restored.kill()
    arrivals = handler.all_arrivals()
    known = {task for task, at in acknowledged(callers.entries) if at < began}
    again = {f"{queue}/{task}" for (queue, task), seen in arrivals.items() if seen[-1].life == 1}
    figures = {"seed": seed, "acknowledged": len(known), "waiting": len(there), "delivered_again": len(again)}
    print(json.dumps(figures))
    check(as_restored(callers.entries, arrivals, there, began, ended))

    # And the checker would have found one that the backup had not.
    forgotten = next(task for task in there if task in known)
    without = as_restored(callers.entries, arrivals, there - {forgotten}, began, ended)
    assert ("lost", forgotten) in {(each.promise, each.about) for each in violations(without)}


def backup(store: Path, copy: Path) -> None:
    command = [sys.executable, "-m", "tidegate", "backup", str(copy), "--store", f"sqlite:///{store}"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def left(server: Server, handler: Handler) -> set[str]:
    """The tasks of the server, each as ``QUEUE/TASK``; one that is due, of a name that nobody has, while it is away."""
    asking = Callers(lambda: [server.port], handler, QUEUES, 0)
    found: set[str] = set()
    for queue in QUEUES:
        token = ""
        while True:
            path = f"/v2/{LOCATION}/queues/{queue}/tasks?pageSize=1000&pageToken={token}"
            reply = asking.call("list_tasks", queue, "GET", path)
            if reply.code != "OK":
                return {f"{queue}/unknown-f"}
            found |= {f"{queue}/{task['name'].rpartition('/')[2]}" for task in reply.answer.get("tasks", [])}
            token = reply.answer.get("nextPageToken", "")
            if not token:
                break
    return found


def acknowledged(entries: list[Entry]) -> Iterator[tuple[str, float]]:
    """Each task whose create was answered, and when."""
    calls = {entry.call: entry for entry in entries if isinstance(entry, Called)}
    for entry in entries:
        if isinstance(entry, Answered) and entry.code == "OK" and calls[entry.call].method == "create_task":
            yield calls[entry.call].tasks[0], entry.at


def as_restored(
    entries: list[Entry],
    arrived: dict[tuple[str, str], list[Arrival]],
    there: set[str],
    began: float,
    ended: float,
) -> History:
    """What happened, as the restored server may know it: the backup is of a moment between ``began`` and ``ended``.

    Calls answered before count. Those of the time between may be in it or not, like calls without an answer before a
    crash. What came later never happened. ``there`` are the tasks that wait in the end.
    """
    seen: list[Entry] = [
        entry
        for entry in entries
        if entry.at < (began if isinstance(entry, Answered) else ended)  # an answer of the time between is no proof
    ]
    number = 0
    for (queue, task), arrivals in arrived.items():
        anew = any(arrival.life for arrival in arrivals)
        for arrival in arrivals:
            if arrival.life == 0 and arrival.at > (began if anew else ended):
                continue  # it may be of the time after the backup, which then does not know its number
            number += 1
            seen += attempt(number, queue, task, arrival, math.inf if arrival.life else ended)
    seen.append(Crashed(ended))
    seen.append(Started(ended))
    seen.sort(key=lambda entry: entry.at)
    return History([*seen, Settled(time.monotonic(), {"": frozenset(there)})], throttling=False)


def attempt(number: int, queue: str, task: str, arrival: Arrival, until: float) -> Iterator[Entry]:
    """What is known of it at a time."""
    yield Requested(arrival.at, number, queue, f"{queue}/{task}", arrival.attempt + 1, arrival.at, arrival.at)
    if arrival.ended is not None:
        replied = arrival.at + (arrival.ended - arrival.wall) / 1e6
        if replied < until:
            yield Replied(replied, number, arrival.status or 0)
