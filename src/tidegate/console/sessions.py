"""Who is logged in: a browser shows once who uses it, and from then on a cookie that stands for that.

What it showed stays in the server's memory: a token, or the principal that an issuer's login led to. The cookie holds a
random number. Both are forgotten at logout, after half a day and when the server ends. Each call of a page is made with
the token or as the principal, through the same door as every other call.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from tidegate.core.access import Principal
from tidegate.servers.call import Scope

COOKIE: Final = "tidegate_session"
LOGIN_COOKIE: Final = "tidegate_login"
"""Of a login at an issuer that has begun."""
LIVES: Final = timedelta(hours=12)
LOGIN_LASTS: Final = timedelta(minutes=10)
SESSIONS_MAX: Final = 10_000
"""Sessions that are remembered; beyond that the oldest go first."""
TOKEN_MAX: Final = 16 * 1024
"""Characters of a token."""


Credential: TypeAlias = str | Principal
"""A token, whose every call is verified anew, or who an issuer said it is."""


class Session(Struct, frozen=True):
    """What was shown, and until when it is used."""

    credential: Credential
    until: float


class Sessions:
    """Sessions by the number in their cookie. ``seconds`` is a clock that only goes forward."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._sessions: dict[str, Session] = {}

    def begin(self, credential: Credential) -> str:
        """A new session; returns the value of its cookie."""
        while len(self._sessions) >= SESSIONS_MAX:
            del self._sessions[next(iter(self._sessions))]
        number = secrets.token_urlsafe(32)
        self._sessions[number] = Session(credential, self._seconds() + LIVES.total_seconds())
        return number

    def credential(self, number: str) -> Credential | None:
        """What was shown for a session; None when there is no such session any more."""
        session = self._sessions.get(number)
        if session is None:
            return None
        if self._seconds() >= session.until:
            del self._sessions[number]
            return None
        return session.credential

    def end(self, number: str) -> None:
        self._sessions.pop(number, None)


def with_token(scope: Scope, token: str) -> Scope:
    """The request as if it had brought the token itself."""
    headers = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
    return {**scope, "headers": [*headers, (b"authorization", f"Bearer {token}".encode())]}


def cookie(number: str, *, secure: bool) -> bytes:
    """The header that sets the cookie of a session, or with an empty number takes it away. Without a path it holds for
    the pages below the one that sets it, wherever a proxy has put them.
    """
    return _cookie(COOKIE, number, "Strict", LIVES, secure=secure)


def login_cookie(value: str, *, secure: bool) -> bytes:
    """The header that sets the cookie of a login that has begun, or takes it away. The issuer's page leads back here,
    which is a link of another site: a strict cookie would not come along.
    """
    return _cookie(LOGIN_COOKIE, value, "Lax", LOGIN_LASTS, secure=secure)


def _cookie(name: str, value: str, same_site: Literal["Strict", "Lax"], lives: timedelta, *, secure: bool) -> bytes:
    jar: SimpleCookie = SimpleCookie()
    jar[name] = value
    morsel = jar[name]
    morsel["httponly"] = True
    morsel["samesite"] = same_site
    morsel["max-age"] = str(int(lives.total_seconds()) if value else 0)
    if secure:
        morsel["secure"] = True
    return morsel.OutputString().encode()
