"""Which requests may change something: those of forms on the console's own pages.

A browser says whose page a request comes from; the form itself brings a token that only such a page holds. Either alone
would do. Both are asked for, because the first is missing in some browsers over plain HTTP.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Final

from tidegate.core.errors import PermissionDenied
from tidegate.servers.origins import is_at

TOKEN_FIELD: Final = "token"  # noqa: S105 - a field's name
TOKEN_FOR: Final = timedelta(hours=24)
"""How long a page may stand open before its forms must be loaded again."""
STALE: Final = "This page was loaded before the server was started anew, or long ago. Load it again, then repeat."


def check_same_site(headers: Mapping[bytes, bytes]) -> None:
    """Raise PermissionDenied unless the browser says that a page of this server asks."""
    site, origin = headers.get(b"sec-fetch-site"), headers.get(b"origin")
    ours = (
        site == b"same-origin" if site is not None else origin is not None and is_at(origin, headers.get(b"host", b""))
    )
    if not ours:
        raise PermissionDenied("Only the console's own pages can change something here.")


class FormTokens:
    """Makes and checks the tokens of forms. ``secret`` lives as long as the process. ``whose`` is who is logged in."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, seconds: float, whose: str = "") -> str:
        """A token, made at ``seconds`` of a clock that only goes forward."""
        moment = str(int(seconds))
        return f"{moment}.{self._sign(moment, whose)}"

    def check(self, token: str, seconds: float, whose: str = "") -> None:
        """Raise PermissionDenied unless this token was made here, for the same person, not long ago."""
        moment, _, sign = token.partition(".")
        if not hmac.compare_digest(self._sign(moment, whose).encode(), sign.encode("utf-8", "replace")):
            raise PermissionDenied(STALE)
        if seconds - int(moment) > TOKEN_FOR.total_seconds():
            raise PermissionDenied(STALE)

    def _sign(self, moment: str, whose: str) -> str:
        return hmac.new(self._secret, f"{moment} {whose}".encode("utf-8", "replace"), sha256).hexdigest()
