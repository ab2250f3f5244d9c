"""The API over REST: HTTP/JSON in and out, for every row of the schema that has a REST form.

``RestServer`` is the ASGI application, ``firebase`` holds what firebase-admin asks of an emulator.
"""

from __future__ import annotations

from tidegate.servers.rest.server import RestServer

__all__ = ["RestServer"]
