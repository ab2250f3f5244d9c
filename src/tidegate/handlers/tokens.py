"""Verifying the ID token that a task brings: of Google, or of a Tidegate."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from tidegate.handlers.headers import Headers, plain_name

GOOGLE = "https://accounts.google.com"
GOOGLES = (GOOGLE, "accounts.google.com")
GOOGLE_KEYS = "https://www.googleapis.com/oauth2/v3/certs"

ALGORITHMS = ["RS256"]
TOKEN_MAX = 16 * 1024
"""Bytes of a token."""
KEYS_MAX = 256 * 1024
"""Bytes of a document with keys."""
FRESH_FOR = 600.0
"""Seconds for which keys are used without asking again."""
ASK_AGAIN = 30.0
"""Seconds between two questions for a key that is not there."""
PATIENCE = 5.0
SKEW = 60.0
"""Seconds that two clocks may differ."""


class TokenError(Exception):
    """The request does not show who sent it. Answer 401, and say no more."""


class Claims(NamedTuple):
    """What a verified token says."""

    email: str
    """The service account in whose name the task was created."""
    audience: str
    issuer: str
    all: Mapping[str, Any]


def _fetch(url: str) -> bytes:
    """A document of an issuer, which is configured, so the URL is not a stranger's."""
    request = Request(url, headers={"Accept": "application/json"})  # noqa: S310 - see above
    try:
        with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            read: bytes = answer.read(KEYS_MAX + 1)
    except URLError as error:
        raise OSError(str(error.reason)) from error
    if len(read) > KEYS_MAX:
        raise ValueError(f"it answers more than {KEYS_MAX} bytes")
    return read


class Keys:
    """The public keys of issuers, fetched when they are needed and kept for ten minutes."""

    def __init__(self, fetch: Callable[[str], bytes] | None = None) -> None:
        self._fetch = fetch or _fetch
        self._sets: dict[str, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def of(self, issuer: str, kid: str) -> Any:
        """The key set of an issuer, fresh enough to have ``kid`` if there is such a key. Raises TokenError."""
        from joserfc.jwk import KeySet  # noqa: PLC0415 - slow to import

        with self._lock:
            fetched_at, keys = self._sets.get(issuer, (-FRESH_FOR, None))
            age = time.monotonic() - fetched_at
            known = keys is not None and any(key.kid == kid for key in keys.keys)
            if age >= FRESH_FOR or (not known and age >= ASK_AGAIN):
                try:
                    keys = KeySet.import_key_set(json.loads(self._fetch(self._where(issuer))))
                except (OSError, ValueError) as error:
                    if keys is None:
                        raise TokenError(f"the keys of {issuer} cannot be had: {error}") from error
                self._sets[issuer] = time.monotonic(), keys
            return keys

    def forget(self) -> None:
        """Ask for all keys anew, as where an issuer begins again with others."""
        with self._lock:
            self._sets.clear()

    def _where(self, issuer: str) -> str:
        if issuer in GOOGLES:
            return GOOGLE_KEYS
        about = json.loads(self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
        where = str(about["jwks_uri"])
        if urlsplit(where)[:2] != urlsplit(issuer)[:2]:
            raise ValueError(f"its keys are on another host, {where}")
        return where


SHARED = Keys()
"""The keys of all calls that name none of their own."""


def verify(
    headers: Headers,
    *,
    audience: str | Sequence[str],
    issuers: Sequence[str] = (GOOGLE,),
    email: str | None = None,
    keys: Keys | None = None,
) -> Claims:
    """Who created the task that made this request, by the ID token in its Authorization header.

        claims = verify(request.headers, audience="https://shop.example.com/work", issuers=["https://tasks.example.com"])

    Args:
        headers: of the request; names in any case, also as WSGI and Django have them.
        audience: what the task's ``oidc_token.audience`` may be; by default a task's is its URL.
        issuers: whose tokens count: ``https://accounts.google.com``, and the ``--oidc-issuer`` of a Tidegate. That of a
            server within a test is its URL.
        email: the service account that must have signed, if only one may.
        keys: where public keys are kept; shared by all calls without it.

    Raises:
        TokenError: no token, a wrong one, or keys that cannot be had. The text is for the log.
    """
    from joserfc import jwt  # noqa: PLC0415 - slow to import
    from joserfc.errors import JoseError  # noqa: PLC0415

    text = _bearer(headers)
    header, unverified = _unverified(text)
    issuer = str(unverified.get("iss", ""))
    if issuer not in issuers and not (issuer in GOOGLES and GOOGLE in issuers):
        raise TokenError(f"the token is of {issuer!r}, which is none of {list(issuers)}")
    key_set = (keys or SHARED).of(issuer, str(header.get("kid", "")))
    try:
        claims = jwt.decode(text, key_set, algorithms=ALGORITHMS).claims
    except (JoseError, ValueError) as error:
        raise TokenError(f"the token is not signed by {issuer}: {error}") from error
    _check_times(claims)
    audiences = [audience] if isinstance(audience, str) else list(audience)
    if claims.get("aud") not in audiences:
        raise TokenError(f"the token is for {claims.get('aud')!r}, not for {audiences}")
    said = str(claims.get("email", ""))
    if email is not None and (said != email or claims.get("email_verified") is False):
        raise TokenError(f"the token is of {said!r}, not of {email}")
    return Claims(said, str(claims["aud"]), issuer, claims)


def _bearer(headers: Headers) -> str:
    value = next((value for name, value in headers.items() if plain_name(name) == "authorization"), "")
    scheme, _, token = value.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise TokenError("the request has no bearer token")
    if len(token) > TOKEN_MAX:
        raise TokenError(f"the token is longer than {TOKEN_MAX} bytes")
    return token.strip()


def _unverified(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The header and claims of a token before it is verified: only to choose keys by."""
    from base64 import urlsafe_b64decode  # noqa: PLC0415

    parts = token.split(".")
    try:
        header, claims = (json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in parts[:2])
        if len(parts) != 3 or not isinstance(header, dict) or not isinstance(claims, dict):
            raise ValueError("not three parts")
    except (ValueError, RecursionError) as error:
        raise TokenError(f"the token is no JWT: {error}") from None
    return header, claims


def _check_times(claims: Mapping[str, Any]) -> None:
    now = time.time()
    expires, not_before = claims.get("exp"), claims.get("nbf", 0)
    if not isinstance(expires, int | float) or not isinstance(not_before, int | float):
        raise TokenError("the token has no time at which it expires")
    if expires + SKEW <= now:
        raise TokenError(f"the token ran out {now - expires:.0f} s ago")
    if not_before - SKEW > now:
        raise TokenError("the token is not valid yet")
