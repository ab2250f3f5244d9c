"""Any day of several nodes, whatever its dice, keeps every promise to every client."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from tests.invariants.checker import first_broken, violations
from tests.invariants.history import story
from tests.kit.figures import note
from tests.promises.nodes import NodesCluster
from tests.simulation.shared_store import NodeTransaction
from tests.simulation.shared_tables import SharedTables

from tidegate.engine.ports.store import Released

SEEDS = int(os.environ.get("SEEDS", "200"))
BLOCKS = 10
BROKEN_SEEDS = 150
"""Days after which nodes that break a promise must have been caught."""


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "tidegate")  # the errors are injected


@pytest.mark.timeout(120 + SEEDS)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_any_day_of_several_nodes_keeps_every_promise(block: int) -> None:
    counts: Counter[str] = Counter(violations=0)
    try:
        for seed in range(block, SEEDS, BLOCKS):
            day = NodesCluster(seed).run()
            broken = violations(day.history)
            counts.update(type(entry).__name__ for entry in day.history.entries)
            counts.update(seeds=1, violations=len(broken))
            assert not broken, f"seed {seed}: {broken[0]}\n{story(day.history, broken[0].about)}"
            assert not day.server.memory.broken, f"seed {seed}: {day.server.memory.broken}"
    finally:
        note(
            "nodes",
            seeds=counts["seeds"],
            calls=counts["Called"],
            attempts=counts["Requested"],
            lives_ended=counts["Crashed"],
            violations=counts["violations"],
        )


def test_a_seed_plays_the_same_day_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tidegate.api.pace.perf_counter", lambda: 0.0)  # by the machine's time, long work pauses
    for seed in range(3):
        assert NodesCluster(seed).run().history.entries == NodesCluster(seed).run().history.entries


# --- nodes that break a promise --------------------------------------------------------------------------------------


def the_dead_are_not_released(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(NodeTransaction, "release", lambda *_: Released((), left=False))


def the_dead_keep_their_places(plant: pytest.MonkeyPatch) -> None:
    def forgets(self: Any, node: int) -> None:
        self.execute("DELETE FROM nodes WHERE id = ?", (node,))

    plant.setattr(SharedTables, "forget_node", forgets)


def others_places_are_not_counted(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(
        SharedTables,
        "places",
        lambda self, queue: dict(
            self.execute("SELECT node, taken FROM places WHERE queue = ? AND node = ?", (queue, self.node)).fetchall()
        ),
    )


BUGS: dict[Callable[[pytest.MonkeyPatch], None], set[str]] = {
    the_dead_are_not_released: {"lost"},
    the_dead_keep_their_places: {"lost"},
    others_places_are_not_counted: {"too many"},
}


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.__name__)
def test_nodes_that_break_a_promise_are_caught(bug: Callable[[pytest.MonkeyPatch], None], monkeypatch: Any) -> None:
    bug(monkeypatch)
    first_broken((NodesCluster(seed).run().history for seed in range(BROKEN_SEEDS)), BUGS[bug])
