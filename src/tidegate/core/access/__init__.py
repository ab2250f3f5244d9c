"""Who may do what: principals, permissions, roles, policies, and the decision. No clock, no I/O."""

from __future__ import annotations

from tidegate.core.access.decision import Grants
from tidegate.core.access.members import ANYONE, Principal
from tidegate.core.access.resources import SERVER, lineage, queue_of
from tidegate.core.access.roles import ROLES, Roles

__all__ = ["ANYONE", "ROLES", "SERVER", "Grants", "Principal", "Roles", "lineage", "queue_of"]
