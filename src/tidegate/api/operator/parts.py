"""What the operator's handlers stand on, handed to each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tidegate.api.audit import AuditTrail
from tidegate.api.door import FREE, Door, May
from tidegate.engine.engine import Engine
from tidegate.observers.event_ring import EventRing
from tidegate.observers.idle import IdleWaits
from tidegate.observers.series import Series


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The server's parts. ``dev`` says whether it was started with ``dev``; without a ``door`` nobody is asked who they
    are, without an ``audit`` no log of calls is kept. What listens to its events is None where nothing does; calls that
    need it answer UNIMPLEMENTED.
    """

    engine: Engine
    door: Door | None = None
    audit: AuditTrail | None = None
    dev: bool = False
    events: EventRing | None = None
    series: Series | None = None
    idle: IdleWaits | None = None

    def may(self, call: Any) -> May:
        """What the maker of a call may do: ``parts.may(call)("cloudtasks.tasks.create", queue)`` raises
        PermissionDenied.
        """
        return FREE if self.door is None else self.door.may(call)
