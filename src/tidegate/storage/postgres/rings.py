"""In which partition a tombstone lies: six hours each in turn, so that spent ones go by emptying a whole partition."""

from __future__ import annotations

from typing import Final

SLOT: Final = 6 * 3600 * 1_000_000
RINGS: Final = 6
LONG: Final = 6
"""The ring of tombstones that stay longer; these are deleted one by one."""

AHEAD: Final = 3
"""Slots ahead of the present one that have rings. Between the last of them and the slot that is emptied lies one that
nobody uses, so that nodes whose clocks differ by hours agree."""


def ring_of(until: int, now: int) -> int:
    """The ring of a tombstone that stays ``until`` then, in microseconds."""
    slot = until // SLOT
    return slot % RINGS if now // SLOT <= slot <= now // SLOT + AHEAD else LONG


def spent_ring(now: int) -> int:
    """The ring in which nothing holds a name any more."""
    return (now // SLOT - 1) % RINGS
