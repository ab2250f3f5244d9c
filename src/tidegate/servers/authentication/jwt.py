"""JSON Web Tokens: taken apart, their signature verified, their times checked.

joserfc verifies signatures. It is imported with the first token, because most servers never see one.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any, Final

import msgspec

from tidegate.servers.authentication.refused import RefusedError

TOKEN_MAX: Final = 16 * 1024
"""Bytes of a token; a longer one is refused unread."""
SKEW: Final = 60.0
"""Seconds by which clocks may differ."""
_FAR: Final = 1e12
"""Seconds since 1970 that no token's time reaches."""
SELF_SIGNED_LIFE: Final = 3600.0 + 300.0
"""Seconds from iat to exp that a token may have which its bearer signed. Google's clients ask for an hour."""


class Jwt:
    """A token that is not verified yet: its ``header`` and ``claims``."""

    __slots__ = ("claims", "header", "text")

    def __init__(self, text: bytes) -> None:
        """Raises RefusedError for what is no signed token."""
        if len(text) > TOKEN_MAX:
            raise RefusedError("longer than 16 KiB")
        parts = text.split(b".")
        if len(parts) != 3 or not all(parts):
            raise RefusedError("not three parts")
        self.text = text
        self.header = _object(parts[0], "header")
        self.claims = _object(parts[1], "claims")
        if "crit" in self.header:
            raise RefusedError("a critical header that is not known here")

    def claim(self, name: str) -> str:
        """A claim that is a text; empty when it is missing or something else."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else ""

    @property
    def kid(self) -> str:
        value = self.header.get("kid")
        return value if isinstance(value, str) else ""

    def verify(self, key: Any, algorithms: tuple[str, ...]) -> None:
        """Check the signature with one of joserfc's keys. Raises RefusedError."""
        from joserfc import jws  # noqa: PLC0415
        from joserfc.errors import JoseError  # noqa: PLC0415

        algorithm = self.header.get("alg")
        if algorithm not in algorithms:
            raise RefusedError(f"signed with {str(algorithm)[:40]!r}, not {' or '.join(algorithms)}")
        try:
            jws.deserialize_compact(self.text, key, algorithms=list(algorithms))
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise RefusedError(f"its signature is wrong ({type(error).__name__})") from None

    def check_times(self, now: float, *, longest: float | None = None) -> float:
        """When it ends, in seconds since 1970. Raises RefusedError. ``longest`` bounds the time from iat to exp."""
        expires, issued = self._time("exp"), self._time("iat")
        if expires is None:
            raise RefusedError("no exp")
        if longest is not None:
            if issued is None:
                raise RefusedError("no iat")
            if expires - issued > longest:
                raise RefusedError("exp is too long after iat")
        if issued is not None and issued > now + SKEW:
            raise RefusedError("iat is in the future")
        starts = self._time("nbf")
        if starts is not None and starts > now + SKEW:
            raise RefusedError("nbf is in the future")
        if expires + SKEW <= now:
            raise RefusedError("expired", expired=True)
        return expires + SKEW

    def audiences(self) -> list[str]:
        """``aud``, one text or several. Raises RefusedError for anything else."""
        said = self.claims.get("aud", [])
        texts = [said] if isinstance(said, str) else said
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
            raise RefusedError("aud is no text")
        return texts

    def _time(self, name: str) -> float | None:
        value = self.claims.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_FAR < value < _FAR:
            raise RefusedError(f"{name} is no time")
        return float(value)


def _object(part: bytes, what: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise RefusedError(f"its {what} is no JSON") from None
    if not isinstance(value, dict):
        raise RefusedError(f"its {what} is no object")
    return value
