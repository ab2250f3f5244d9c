"""What the operator's handlers stand on, handed to each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from tidegate.api.audit import AuditTrail
from tidegate.api.door import FREE, Door, May
from tidegate.api.operator.about import About
from tidegate.engine.engine import Engine
from tidegate.engine.faults import Faults
from tidegate.observers.event_ring import EventRing
from tidegate.observers.idle import IdleWaits
from tidegate.observers.series import Series

UNKNOWN: Final = About(version="", started_at=datetime.fromtimestamp(0, UTC))


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The server's parts. ``dev`` says whether it was started with ``dev``; ``reset`` brings it back to its start, if
    that is more than an empty engine. Without a ``door`` nobody is asked who they are, without an ``audit`` no log of
    calls is kept. What listens to its events is None where nothing does; calls that need it answer UNIMPLEMENTED.
    """

    engine: Engine
    door: Door | None = None
    audit: AuditTrail | None = None
    dev: bool = False
    about: About = UNKNOWN
    reset: Callable[[], Awaitable[None]] | None = None
    events: EventRing | None = None
    series: Series | None = None
    idle: IdleWaits | None = None
    faults: Faults | None = None

    def may(self, call: Any) -> May:
        """What the maker of a call may do: ``parts.may(call)("cloudtasks.tasks.create", queue)`` raises
        PermissionDenied.
        """
        return FREE if self.door is None else self.door.may(call)
