"""``kill -9`` at random moments under load: nothing acknowledged is lost, nothing that is over comes back.

The long form: ``make crash KILLS=200 SEED=7``.
"""

from __future__ import annotations

import json
import os
import random
import sqlite3
import time
from contextlib import closing

import pytest
from tests.crash.load import IN_FLIGHT, PURGED, QUEUES, Load, create_queues
from tests.endtoend.calls import list_tasks, queue_name
from tests.endtoend.client import GoogleClient, micros
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually_all
from tests.kit.ledger import Ledger
from tests.kit.lives import kill, start

KILLS = int(os.environ.get("KILLS", "4"))
SEED = int(os.environ.get("SEED", "1"))


@pytest.mark.timeout(180 + 20 * KILLS)
def test_killed_again_and_again_it_keeps_every_promise(server: Server, client: GoogleClient, handler: Handler) -> None:
    dice = random.Random(SEED)
    create_queues(client)
    load = Load(client, handler, SEED)
    with load.running() as ledger:
        for _ in range(KILLS):
            time.sleep(dice.uniform(0.05, 1.5))
            kill(server, handler)
            if dice.random() < 0.2:  # once more, before it is even up
                server.spawn()
                time.sleep(dice.uniform(0, 1))
                kill(server, handler)
            start(server, client)
    eventually_all("every acknowledged task is delivered", lambda: len(ledger.awaited()))
    report(ledger, server)

    assert ledger.returned(server.started_at) == []
    assert ledger.repeated_within_a_life() == []
    assert max(ledger.repeated_after().values(), default=0) <= IN_FLIGHT  # no more can have been under way
    assert ledger.misnumbered() == []
    assert ledger.early() == []
    check_what_is_left(client, ledger)
    check_names_stay_taken(client, ledger, dice)
    assert server.stop() == 0
    with closing(sqlite3.connect(server.store)) as store:
        assert store.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def check_what_is_left(client: GoogleClient, ledger: Ledger) -> None:
    """The tasks of the far future are there, with their times; nothing else is."""
    eventually_all("nothing is left that is due", lambda: sum(due_soon(client, queue) for queue in (*QUEUES, PURGED)))
    for queue in (*QUEUES, PURGED):
        left = list_tasks(client, queue)
        told, there = ledger.far_told(queue), set(left)
        assert told.lost(there) == set()
        assert told.returned(there) == set()
        assert there <= told.kept() | told.unsure
        due = {known.task: known.due for known in ledger.tasks if known.task in there}
        assert {task: micros(shown["schedule_time"]) for task, shown in left.items()} == due


def due_soon(client: GoogleClient, queue: str) -> int:
    now = time.time_ns() // 1000
    return sum(micros(task["schedule_time"]) < now + 1_000_000_000 for task in list_tasks(client, queue).values())


def check_names_stay_taken(client: GoogleClient, ledger: Ledger, dice: random.Random) -> None:
    finished = [known for known in ledger.tasks if known.acknowledged and not known.far]
    for known in dice.sample(finished, min(100, len(finished))):
        name = f"{queue_name(known.queue)}/tasks/{known.task}"
        task = {"name": name, "http_request": {"url": ledger.handler.url("200")}}
        reply = client.reply("create_task", parent=queue_name(known.queue), task=task)
        assert reply.code == "ALREADY_EXISTS", reply
        assert "existed too recently" in reply.message


def report(ledger: Ledger, server: Server) -> None:
    """The figures, as one line of JSON."""
    repeated = ledger.repeated_after()
    figures = {
        "seed": SEED,
        "kills": server.life,
        "tasks": len(ledger.tasks),
        "acknowledged": sum(known.acknowledged for known in ledger.tasks),
        "deliveries": sum(len(ledger.arrivals(known)) for known in ledger.tasks),
        "deleted": sum(known.deleted_at is not None for known in ledger.tasks),
        "seen_gone": sum(known.seen_gone_at is not None for known in ledger.tasks),
        "creates_made_again": ledger.retried_creates,
        "of_these_existed_already": ledger.existed_already,
        "repeated": sum(repeated.values()),
        "repeated_after_200": sum(earlier.status == 200 for earlier, _ in ledger.repeated()),
        "most_repeated_of_a_queue_at_a_kill": max(repeated.values(), default=0),
        "batches_unfinished": len(ledger.unfinished),
        "lost": len(ledger.awaited()),
        "returned": len(ledger.returned(server.started_at)),
    }
    print(json.dumps(figures))
    assert ledger.unfinished == []
