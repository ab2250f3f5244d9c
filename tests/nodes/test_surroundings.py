"""Three nodes behind a pooler, and with clocks that are wrong. In the long form only, where the programs for it are."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.endtoend.waiting import eventually
from tests.kit.figures import note
from tests.kit.postgres_server import PostgresServer, postgres_server
from tests.nodes import clocks
from tests.nodes.outcomes import gap, twice
from tests.nodes.pooler import Pooler, pooler, program, set_for_the_role
from tests.nodes.test_failures import SECONDS, THREADS, WHOLE
from tests.nodes.trio import Node, Trio, trio
from tests.nodes.troubles import killed_and_started_again_by_its_name

pytestmark = [pytest.mark.timeout(240), pytest.mark.skipif(not WHOLE, reason="a part of the long form: make nodes")]
with_a_pooler = pytest.mark.skipif(program() is None, reason="PgBouncer is not installed")


@pytest.fixture
def database() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def between(database: PostgresServer) -> Iterator[Pooler]:
    set_for_the_role(database)
    with pooler(database) as between:
        yield between


def told(what: str, three: Trio, since: float) -> int:
    """Check all promises, and note what became of the story; how many tasks were done twice."""
    history = three.check()
    found = twice(history)
    note(
        f"nodes: {what}",
        tasks=len(three.callers.made),
        unanswered=three.callers.failed,
        twice=found,
        gap=round(gap(history, since), 2),
    )
    return found


@with_a_pooler
def test_nodes_behind_a_pooler_in_transaction_mode(database: PostgresServer, between: Pooler, tmp_path: Path) -> None:
    with trio(tmp_path, database, f"{between.url}?prepare=off") as three:
        began = time.monotonic()
        three.callers.work(THREADS, SECONDS, lambda: three.note("nothing happens"))
        assert told("behind a pooler", three, began) == 0
        assert three.callers.failed == 0
        assert not [line for node in three.nodes for line in node.complaints()]


@with_a_pooler
def test_a_pooler_that_is_killed_and_a_node_behind_it(
    database: PostgresServer, between: Pooler, tmp_path: Path
) -> None:
    began: list[float] = []

    def meanwhile() -> None:
        began.append(time.monotonic())
        three.note("the pooler is killed")
        between.kill()
        time.sleep(0.5)
        between.start()
        three.note("it is back")
        time.sleep(SECONDS)
        killed_and_started_again_by_its_name(three)

    with trio(tmp_path, database, f"{between.url}?prepare=off") as three:
        three.callers.work(THREADS, SECONDS, meanwhile)
        told("a pooler and a node are killed", three, began[0])


@with_a_pooler
def test_a_node_that_was_not_told_of_a_pooler_says_what_to_do(between: Pooler, tmp_path: Path) -> None:
    with psycopg.connect(between.url, prepare_threshold=0, autocommit=True) as another:
        another.execute("SELECT 1")  # the session that the node gets knows its first name already
    with Node(tmp_path / "node", between.url) as node:
        node.spawn()  # which ends at once, or goes on without prepared statements, by the session that it gets first
        eventually("it says what to do", lambda: "add prepare=off to the URL" in node.output())


@pytest.mark.skipif(clocks.library() is None, reason="libfaketime is not installed")
def test_clocks_that_are_minutes_ahead_and_behind_start_nothing_early(database: PostgresServer, tmp_path: Path) -> None:
    with trio(tmp_path, database, database.url, clocks=("+5m", "", "-5m")) as three:
        began = time.monotonic()
        three.callers.work(THREADS, SECONDS, lambda: three.note("clocks differ"))
        assert told("clocks differ", three, began) == 0
        assert three.callers.failed == 0
        assert [("this machine's clock is" in node.output()) for node in three.nodes] == [True, False, True]
