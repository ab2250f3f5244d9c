"""What the operator's handlers stand on, handed to each of them."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.engine.engine import Engine
from tidegate.engine.faults import Faults
from tidegate.observers.event_ring import EventRing
from tidegate.observers.idle import IdleWaits
from tidegate.observers.series import Series


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The server's parts. ``dev`` says whether it was started with ``dev``. What listens to its events is None where
    nothing does; calls that need it answer UNIMPLEMENTED.
    """

    engine: Engine
    dev: bool = False
    events: EventRing | None = None
    series: Series | None = None
    idle: IdleWaits | None = None
    faults: Faults | None = None
