"""Sixteen workers on a pull queue, with every fault that workers have, and a server that is killed under them.

The long form: ``make workers FAULTS=60 SEED=7``.
"""

from __future__ import annotations

import json
import os
import random
import time

import pytest
from tests.crash.workers import QUEUE, Workers
from tests.endtoend.client import GoogleClient
from tests.endtoend.server import Server

FAULTS = float(os.environ.get("FAULTS", "10"))
"""Seconds of faults. The server is killed in the middle of every ten."""
SEED = int(os.environ.get("SEED", "1"))


@pytest.mark.timeout(120 + 3 * FAULTS)
def test_no_two_workers_ever_hold_one_task_and_every_task_is_acknowledged(server: Server) -> None:
    dice = random.Random(SEED)

    def faults() -> None:
        end = time.monotonic() + FAULTS
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, dice.uniform(3, 7)))
            server.kill()
            server.start()
            time.sleep(max(0.0, min(end - time.monotonic(), 5)))

    with GoogleClient(server.address, "v2beta2") as client:
        workers = Workers(client, SEED)
        workers.run(faults)
        ledger = workers.ledger
        print(json.dumps({"seed": SEED, "kills": server.life, "tasks": len(ledger.told.created), **ledger.fates()}))

        assert ledger.left() == 0
        assert ledger.shared() == []
        assert ledger.miscounted() == []
        assert ledger.leased_after_the_end() == []
        assert client.call("list_tasks", parent=QUEUE) == []
        fates = ledger.fates()
        assert {"acknowledged", "crashed", "given back", "overslept", "renewed late"} <= set(fates), "too few faults"
