"""Where an attempt goes and with what: the call made from a task and its queue (behaviour §10, §11, §13)."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from tidegate.core.queue import Token


class HttpCall(Struct, frozen=True):
    """One request, ready to be sent but for its token.

    ``timeout`` is for the whole attempt, redirects and reading included. The sender adds Host and Content-Length and
    nothing else. ``token`` is to be minted into an Authorization header just before sending.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timeout: timedelta
    token: Token | None = None
    follows_redirects: bool = True
