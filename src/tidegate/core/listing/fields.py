"""What a filter can ask about: the fields of a message, as the API layer lays them out.

A ``Schema`` maps names, written ``plain``, to fields. For the queue of v2 it begins like this::

    {
        "name": FilterField(FieldKind.TEXT, lambda queue: queue.name),
        "state": FilterField(FieldKind.ENUM, lambda queue: queue.state, choices={"RUNNING": 1, "PAUSED": 2, ...}),
        "ratelimits": FilterField(FieldKind.MESSAGE, lambda queue: queue.rate_limits or None, inside={
            "maxdispatchespersecond": FilterField(FieldKind.NUMBER, lambda limits: limits.max_dispatches_per_second),
        }),
        "purgetime": FilterField(FieldKind.TIME, lambda queue: nanoseconds since 1970, or None when unset),
    }
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any

from msgspec import Struct


class FieldKind(Enum):
    """How the values of a field are read and compared."""

    TEXT = auto()
    """``str``."""
    NUMBER = auto()
    """``int`` or ``float``."""
    FLAG = auto()
    """``bool``."""
    ENUM = auto()
    """The number, an ``int``."""
    DURATION = auto()
    """Nanoseconds, an ``int``; None when unset."""
    TIME = auto()
    """Nanoseconds since 1970, an ``int``; None when unset."""
    MESSAGE = auto()
    """Anything that the ``read`` of the fields inside takes; None when unset."""


class FilterField(Struct, frozen=True):
    """A field of a message. ``read`` takes the message, never None, and gives the value as its kind says.

    With ``repeated``, ``read`` gives a sequence of such values. ``choices`` are the numbers of an enum by their names;
    ``inside`` are the fields of a message.
    """

    kind: FieldKind
    read: Callable[[Any], Any]
    repeated: bool = False
    choices: Mapping[str, int] = {}
    inside: Mapping[str, FilterField] = {}


Schema = Mapping[str, FilterField]


def plain(name: str) -> str:
    """A field's name as a ``Schema`` has it. ``max_burst_size`` and ``maxBurstSize`` name the same field."""
    return name.replace("_", "").lower()
