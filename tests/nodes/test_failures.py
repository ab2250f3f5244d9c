"""What nodes on PostgreSQL must outlast, each a story with three of them under load: nothing acknowledged is lost,
nothing comes back, limits hold over all nodes, no attempt is early, and nothing is done twice but around the failure.

The short form has the quickest ones; ``make nodes`` has all.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.kit.figures import note
from tests.kit.postgres import OLDER
from tests.kit.postgres_programs import programs
from tests.kit.postgres_server import PostgresServer, postgres_server
from tests.nodes import troubles
from tests.nodes.outcomes import gap, twice
from tests.nodes.trio import Trio, trio

WHOLE = os.environ.get("NODES") == "all"
THREADS = 6
SECONDS = 3.0

pytestmark = pytest.mark.timeout(240)


VERSIONS = [None, *([OLDER] if WHOLE and OLDER and programs() != OLDER else [])]
"""The programs of the PostgreSQL that tests bring; in the long form those of 15, too."""


@pytest.fixture(scope="module", params=VERSIONS, ids=lambda commands: "PostgreSQL 15" if commands else "PostgreSQL")
def database(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    with postgres_server(request.param) as server:
        yield server


@pytest.fixture
def three(database: PostgresServer, tmp_path: Path) -> Iterator[Trio]:
    """Nodes with a schema of their own."""
    schema = f"t{secrets.token_hex(4)}"
    with trio(tmp_path, database, database.url, schema=schema) as three:
        yield three


Trouble = Callable[[Trio], None]

BRIEF: tuple[Trouble, ...] = (
    troubles.killed_and_started_again_by_its_name,
    troubles.asked_to_stop_one_after_the_other,
    troubles.cut_off_at_commits,
    troubles.statements_fail_as_others_spoil_them,
)
LONG: tuple[Trouble, ...] = (
    troubles.all_connections_ended_four_times,
    troubles.killed_for_good,
    troubles.stopped_until_it_is_dead,
    troubles.the_database_is_killed,
    troubles.the_database_is_stopped_at_once,
    troubles.the_database_is_away_for_longer_than_nodes_are_trusted,
    troubles.cut_off_from_the_database,
    troubles.not_heard_by_the_database,
    troubles.hears_nothing_of_the_database,
    troubles.all_are_cut_off_from_the_database,
    troubles.others_take_all_connections,
    troubles.ended_while_it_is_idle_in_a_transaction,
    troubles.a_queue_is_held_by_an_administrator,
    troubles.a_statement_takes_longer_than_it_may,
    troubles.the_tasks_are_locked_by_an_administrator,
)
ANEW: set[Trouble] = {
    troubles.stopped_until_it_is_dead,
    troubles.cut_off_from_the_database,
    troubles.not_heard_by_the_database,
    troubles.hears_nothing_of_the_database,
}
"""After these a node was taken for dead, and joins anew."""

KILLS: set[Trouble] = {*ANEW, troubles.killed_and_started_again_by_its_name, troubles.killed_for_good}
"""After these, and after these alone, attempts that were under way are made again."""

UNNOTICED: set[Trouble] = {troubles.statements_fail_as_others_spoil_them, troubles.a_queue_is_held_by_an_administrator}
"""Of these callers notice nothing."""


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
    assert trouble not in UNNOTICED or not three.callers.failed
    if trouble not in ANEW:
        assert not any("joins anew" in node.output() for node in three.nodes)
