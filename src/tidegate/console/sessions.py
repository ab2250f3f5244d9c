"""Who is logged in: a browser shows a token once, and from then on a cookie that stands for it.

The token stays in the server's memory, the cookie holds a random number. Both are forgotten at logout, after half a day
and when the server ends. Each call of a page is made with the token, through the same door as every other call.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Final

from msgspec import Struct

from tidegate.servers.call import Scope

COOKIE: Final = "tidegate_session"
LIVES: Final = timedelta(hours=12)
SESSIONS_MAX: Final = 10_000
"""Sessions that are remembered; beyond that the oldest go first."""
TOKEN_MAX: Final = 16 * 1024
"""Characters of a token."""


class Session(Struct, frozen=True):
    """A token, and until when it is used."""

    token: str
    until: float


class Sessions:
    """Sessions by the number in their cookie. ``seconds`` is a clock that only goes forward."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._sessions: dict[str, Session] = {}

    def begin(self, token: str) -> str:
        """A new session; returns the value of its cookie."""
        while len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        number = secrets.token_urlsafe(32)
        self._sessions[number] = Session(token, self._seconds() + LIVES.total_seconds())
        return number

    def token(self, number: str) -> str | None:
        """The token of a session; None when there is no such session any more."""
        session = self._sessions.get(number)
        if session is None:
            return None
        if self._seconds() >= session.until:
            del self._sessions[number]
            return None
        return session.token

    def end(self, number: str) -> None:
        self._sessions.pop(number, None)


def with_token(scope: Scope, token: str) -> Scope:
    """The request as if it had brought the token itself."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
    return {**scope, "headers": [*headers, (b"authorization", f"Bearer {token}".encode())]}


def cookie(number: str, *, secure: bool) -> bytes:
    """The header that sets the cookie, or with an empty number takes it away. Without a path it holds for the pages
    below the one that sets it, wherever a proxy has put them.
    """
    jar: SimpleCookie = SimpleCookie()
    jar[COOKIE] = number
    morsel = jar[COOKIE]
    morsel["httponly"] = True
    morsel["samesite"] = "Strict"
    morsel["max-age"] = str(int(LIVES.total_seconds()) if number else 0)
    if secure:
        morsel["secure"] = True
    return morsel.OutputString().encode()
