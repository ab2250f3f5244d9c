"""What nodes on PostgreSQL must outlast, each a story with three of them under load: nothing acknowledged is lost,
nothing comes back, limits hold over all nodes, no attempt is early, and nothing is done twice but around the failure.

The short form has the quickest ones; ``make nodes`` has all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from tests.endtoend.waiting import eventually
from tests.invariants.history import History, Replied, Requested
from tests.kit.figures import note
from tests.kit.postgres_server import PostgresServer, postgres_server
from tests.nodes.trio import Trio, trio

WHOLE = os.environ.get("NODES") == "all"
THREADS = 6
SECONDS = 3.0

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def three(database: PostgresServer, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Trio]:
    """Nodes with a schema of their own."""
    schema = f"t{abs(hash(request.node.name)) % 10**9}"
    joiner = "&" if "?" in database.url else "?"
    with trio(tmp_path, database, f"{database.url}{joiner}schema={schema}") as three:
        yield three


def gap(history: History, since: float) -> float:
    """The longest time after a moment in which no attempt arrived."""
    times = [entry.at for entry in history.entries if isinstance(entry, Requested)]
    after = [since, *(at for at in times if at > since)]
    return max((b - a for a, b in pairwise(after)), default=0.0)


def twice(history: History) -> int:
    """Attempts after one that was answered 200."""
    done: dict[str, int] = {}
    answered: set[int] = {
        entry.request for entry in history.entries if isinstance(entry, Replied) and entry.status == 200
    }
    for entry in history.entries:
        if isinstance(entry, Requested) and entry.request in answered:
            done[entry.task] = done.get(entry.task, 0) + 1
    return sum(count - 1 for count in done.values())


# --- what happens to them --------------------------------------------------------------------------------------------


def killed_and_started_again_by_its_name(three: Trio) -> None:
    three.kill(three.nodes[0])
    three.nodes[0].spawn()
    three.nodes[0].wait_ready()


def asked_to_stop_one_after_the_other(three: Trio) -> None:
    for node in three.nodes:
        three.note(f"the node on port {node.port} is asked to stop")
        assert node.stop() == 0
        node.spawn()
        node.wait_ready()


def all_connections_ended_four_times(three: Trio) -> None:
    for _ in range(4):
        three.note("all connections are ended")
        with psycopg.connect(three.database.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'tidegate%' AND pid <> pg_backend_pid()"
            )
        time.sleep(0.7)


def cut_off_at_commits(three: Trio) -> None:
    three.note("connections are cut at COMMIT")
    three.relay.cutting = True
    eventually("some were cut", lambda: three.relay.cuts >= 10)
    three.relay.cutting = False


def killed_for_good(three: Trio) -> None:
    three.kill(three.nodes[1])


def stopped_until_it_is_dead(three: Trio) -> None:
    node = three.nodes[2]
    node.open = False  # callers would wait for it
    three.broken(f"the node on port {node.port} stands still")
    node.freeze()
    time.sleep(16)
    three.broken(f"the node on port {node.port} goes on")
    node.go_on()
    eventually("it joins anew", lambda: "joins anew" in node.output())
    node.open = True


def the_database_is_killed(three: Trio) -> None:
    three.note("the database is killed")
    three.database.kill()
    time.sleep(1)
    three.database.start()
    three.note("it is back")


def the_database_is_away_for_longer_than_nodes_are_trusted(three: Trio) -> None:
    three.note("the database is killed")
    three.database.kill()
    time.sleep(14)
    three.database.start()
    three.note("it is back")


Trouble = Callable[[Trio], None]

BRIEF: tuple[Trouble, ...] = (
    killed_and_started_again_by_its_name,
    asked_to_stop_one_after_the_other,
    cut_off_at_commits,
)
LONG: tuple[Trouble, ...] = (
    all_connections_ended_four_times,
    killed_for_good,
    stopped_until_it_is_dead,
    the_database_is_killed,
    the_database_is_away_for_longer_than_nodes_are_trusted,
)
KILLS = {killed_and_started_again_by_its_name, killed_for_good, stopped_until_it_is_dead}
"""After these, and after these alone, attempts that were under way are made again."""


@pytest.mark.parametrize("trouble", BRIEF + LONG if WHOLE else BRIEF, ids=lambda trouble: trouble.__name__)
def test_three_nodes_under_load_keep_every_promise(trouble: Trouble, three: Trio) -> None:
    began: list[float] = []

    def meanwhile() -> None:
        began.append(time.monotonic())
        trouble(three)

    three.callers.work(THREADS, SECONDS, meanwhile)
    history = three.check()
    note(
        f"nodes: {trouble.__name__}",
        tasks=len(three.callers.made),
        unanswered=three.callers.failed,
        twice=twice(history),
        gap=round(gap(history, began[0]), 2),
    )
    assert trouble in KILLS or twice(history) == 0
    if trouble is not stopped_until_it_is_dead:
        assert not any("joins anew" in node.output() for node in three.nodes)
