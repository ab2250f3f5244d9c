from __future__ import annotations

from tests.kit.fixtures import client, handler, server

__all__ = ["client", "handler", "server"]
