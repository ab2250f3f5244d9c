"""Which other nodes are dead: seen, not computed. A clock that differs, or a store that was away, proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from tidegate.engine.ports.membership import Member

LOOK_EVERY = 2.0
"""Seconds between two looks."""

LONGEST_GAP = 2 * LOOK_EVERY
"""Seconds between two looks after which nothing before counts: this process itself stood still meanwhile."""

QUIET_AFTER = 5.0
"""Seconds without a beat after which others see to a node's queues first. It may well live."""

DEAD_AFTER = 10.0
"""Seconds without a beat after which a node is dead. It stops to start attempts two seconds before."""


JUST_AFTER = 0.005
"""Seconds by which a look is late that is to find a node dead: timers are not exact."""


class _Sight(Struct):
    member: Member
    since: float


class DeathWatch:
    """What one node sees of the others. All times are seconds of its own that never step back."""

    def __init__(self) -> None:
        self._sights: dict[int, _Sight] = {}
        self._last = float("-inf")

    def failed(self) -> None:
        """A look did not succeed: all begin to be watched anew."""
        self._last = float("-inf")

    def saw(self, members: Iterable[Member], asked: float, answered: float) -> None:
        """A look showed these nodes; it was asked for and answered then."""
        unbroken = asked - self._last <= LONGEST_GAP
        sights: dict[int, _Sight] = {}
        for member in members:
            known = self._sights.get(member.node)
            if unbroken and known is not None and known.member == member:
                sights[member.node] = known
            else:
                sights[member.node] = _Sight(member, answered)
        self._sights = sights
        self._last = asked

    def heard(self) -> list[int]:
        """The nodes that are not fenced and have beaten lately, at the last look."""
        return [
            sight.member.node
            for sight in self._sights.values()
            if not sight.member.fenced and self._last - sight.since < QUIET_AFTER
        ]

    def next_death(self, now: float) -> float:
        """Seconds until a look shows that the node which has been quiet for longest is dead, should it stay so."""
        since = [sight.since for sight in self._sights.values() if self._last - sight.since < DEAD_AFTER]
        return max(0.0, min(since, default=now) + DEAD_AFTER + JUST_AFTER - now)

    def dead(self) -> Sequence[Member]:
        """The nodes whose beat stood still for so long that they are dead, as they were seen last; those among them
        that are fenced already still wait for somebody to release their attempts.
        """
        return [sight.member for sight in self._sights.values() if self._last - sight.since >= DEAD_AFTER]
