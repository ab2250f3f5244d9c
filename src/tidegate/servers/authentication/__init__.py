"""From a request to a principal: bearer tokens and API keys, client certificates, or nobody.

``authenticator`` asks them in order and remembers; each way to show who calls has a module of its own.
"""

from __future__ import annotations

from tidegate.servers.authentication.authenticator import Authenticator

__all__ = ["Authenticator"]
