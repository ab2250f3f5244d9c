"""Tokens that service accounts sign themselves, with a key that was made here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any, Final

from tidegate.core.access import Principal
from tidegate.engine.access import Access
from tidegate.servers.authentication.jwt import SELF_SIGNED_LIFE, Jwt
from tidegate.servers.authentication.refused import RefusedError

ALGORITHMS: Final = ("RS256",)
SERVICE: Final = "https://cloudtasks.googleapis.com"
SCOPES: Final = frozenset(
    {"https://www.googleapis.com/auth/cloud-platform", "https://www.googleapis.com/auth/cloud-tasks"}
)
"""A token with scopes must have one of these. They are Google's."""

_SERVICES: Final = tuple(f"google.cloud.tasks.{version}.CloudTasks" for version in ("v2", "v2beta2", "v2beta3"))


def audiences_of(urls: Iterable[str]) -> frozenset[str]:
    """What the audience of a token may be for a server with these URLs: Google's clients name the service as Google
    has it, the server, or one of its services.
    """
    bases = {SERVICE, *(url.rstrip("/") for url in urls)}
    return frozenset(
        {*bases, *(f"{base}/" for base in bases), *(f"{base}/{name}" for base in bases for name in _SERVICES)}
    )


def has_scope(scope: object) -> bool:
    """Whether a text of scopes, parted by spaces, has one that allows to call."""
    return isinstance(scope, str) and not SCOPES.isdisjoint(scope.split())


class SelfSigned:
    """Verifies them. ``audiences`` are those of ``audiences_of``."""

    def __init__(self, access: Access, audiences: Collection[str]) -> None:
        self._access = access
        self._audiences = audiences

    def is_one(self, token: Jwt) -> bool:
        """Whether a token says that an account which was made here signed it, and that the account calls."""
        return self.is_assertion(token) and token.claim("sub") == token.claim("iss")

    def is_assertion(self, token: Jwt) -> bool:
        """The same of a token that is traded for another. Clients leave out who calls."""
        issuer = token.claim("iss")
        return issuer in self._access.accounts and token.claims.get("sub", issuer) == issuer

    def principal(self, token: Jwt, now: float) -> tuple[Principal, float]:
        """Who signed it, and until when it is good. Raises RefusedError."""
        email = self.signer(token)
        scope, audiences = token.claims.get("scope"), token.audiences()
        if any(audiences) or not scope:
            if not any(each in self._audiences for each in audiences):
                raise RefusedError("meant for another service")
        elif not isinstance(scope, str):
            raise RefusedError("its scope is no text")
        until = token.check_times(now, longest=SELF_SIGNED_LIFE)
        if scope and not has_scope(scope):
            raise RefusedError("no scope of Cloud Tasks", scope=True)
        return Principal(f"serviceAccount:{email}"), until

    def signer(self, token: Jwt) -> str:
        """The email of the account that signed it. Raises RefusedError when the signature is not one of its keys'."""
        email = token.claim("iss")
        key = self._access.keys.get((email, token.kid))
        if key is None:
            raise RefusedError(f"{email} has no key {token.kid[:64]!r}")
        token.verify(_key(key.public), ALGORITHMS)
        return email


@lru_cache(maxsize=1024)
def _key(public: bytes) -> Any:
    """A key, read from PEM once."""
    from joserfc.jwk import RSAKey  # noqa: PLC0415

    return RSAKey.import_key(public)
