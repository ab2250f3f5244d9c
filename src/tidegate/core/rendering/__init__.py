"""The request of an attempt as text, for people and for other programs. Secrets are ``***``."""

from __future__ import annotations

from tidegate.core.rendering.archive import har
from tidegate.core.rendering.curl import curl
from tidegate.core.rendering.message import http
from tidegate.core.rendering.program import python
from tidegate.core.rendering.shown import ShownRequest, shown

__all__ = ["ShownRequest", "curl", "har", "http", "python", "shown"]
