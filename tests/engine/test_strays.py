"""Tasks that the store shows as under way on this node and are not wait again, once nothing of theirs is on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from tests.simulation.virtual_time import VirtualClock, run

from tidegate.engine.ports.store import Mark
from tidegate.engine.strays import LOOK_EVERY, ON_THEIR_WAY, Strays

WHOLE_LOOK = 2 * LOOK_EVERY + 2 * ON_THEIR_WAY


class Place:
    """A node whose store shows some tasks as under way on it."""

    def __init__(self, *marked: str) -> None:
        self.marks = [Mark(1, name, 1) for name in marked]
        self.released: list[str] = []
        self.known: set[str] = set()
        self.membership = SimpleNamespace(switches=0)
        self.life = SimpleNamespace(number=1)
        clock = VirtualClock()
        world = SimpleNamespace(membership=self.membership, store=self, clock=clock, machine=clock)
        nodes = SimpleNamespace(node=7)
        self.strays = Strays(cast("Any", world), cast("Any", nodes), cast("Any", self.life), cast("Any", self))

    async def write(self, work: Callable[[Any], Any]) -> Any:
        return work(self)

    def marked(self, node: int, limit: int) -> list[Mark]:
        assert (node, limit > 0) == (7, True)
        return self.marks

    def release_marked(self, marks: Sequence[Mark], now: datetime) -> int:
        self.released += [mark.key for mark in marks]
        return len(marks)

    def all(self) -> list[Any]:
        """The attempts that are under way."""
        return [SimpleNamespace(task=SimpleNamespace(key=name)) for name in self.known]


def watched(place: Place, *meanwhile: Callable[[], None]) -> None:
    """Let a look happen, with a change at its beginning and one in its midst."""

    async def day() -> None:
        running = asyncio.ensure_future(place.strays.run())
        await asyncio.sleep(LOOK_EVERY / 2)
        for change in meanwhile:
            change()
            await asyncio.sleep(LOOK_EVERY / 2 + ON_THEIR_WAY / 2)
        await asyncio.sleep(WHOLE_LOOK)
        running.cancel()

    run(day())


def test_nothing_is_looked_for_while_the_store_is_the_same() -> None:
    place = Place("a")
    watched(place)
    assert place.released == []


def test_after_a_switch_what_is_not_under_way_waits_again() -> None:
    place = Place("a", "b")
    place.known = {"a"}
    watched(place, lambda: setattr(place.membership, "switches", 1))
    assert place.released == ["b"]


def test_what_was_claimed_meanwhile_is_left_alone() -> None:
    place = Place("a", "b")
    watched(place, lambda: setattr(place.membership, "switches", 1), lambda: place.known.add("a"))
    assert place.released == ["b"]


def test_what_others_have_released_by_then_is_left_alone() -> None:
    place = Place("a")
    watched(place, lambda: setattr(place.membership, "switches", 1), lambda: setattr(place.life, "number", 2))
    assert place.released == []
