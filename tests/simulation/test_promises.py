"""Any day, whatever its dice, keeps every promise of the engine. ``make simulate SEEDS=10000`` runs many."""

from __future__ import annotations

import os

import pytest
from tests.invariants.checker import check
from tests.simulation.day import Day

SEEDS = int(os.environ.get("SEEDS", "300"))


@pytest.mark.parametrize("block", range(10))
def test_any_day_keeps_every_promise(block: int) -> None:
    for seed in range(block, SEEDS, 10):
        try:
            check(Day(seed).run().history)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from None
