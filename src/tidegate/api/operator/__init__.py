"""The operator's service: its handlers, one module a theme, and the loop over its rows."""

from __future__ import annotations

from tidegate.api.operator.parts import Parts
from tidegate.api.operator.rpcs import OperatorApi

__all__ = ["OperatorApi", "Parts"]
