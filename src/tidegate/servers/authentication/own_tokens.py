"""Access tokens that this server issues: signed by a key of its own, apart from the one that signs ID tokens of tasks.

The key is kept in the store, so that every node over it knows the tokens. It signs nothing else and is never
published.
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any, Final

from tidegate.core.access import Principal
from tidegate.engine.access import Access
from tidegate.engine.ports.store import Reader, Store, Transaction
from tidegate.engine.ports.world import MachineClock
from tidegate.servers.authentication.jwt import Jwt
from tidegate.servers.authentication.refused import RefusedError

TYPE: Final = "at+jwt"
"""``typ`` of the header, RFC 9068."""
ALGORITHM: Final = "Ed25519"
ISSUER: Final = "tidegate"
LIFE: Final = 3600
"""Seconds that a token is good for."""
SIGNS_FOR: Final = timedelta(days=30)
KEYS_MAX: Final = 100
"""Keys that are known at one time; there are two as a rule."""
KEPT_AFTER: Final = timedelta(days=1)
"""How long a key is known after it signed its last token: longer than the tokens live."""

_KIND: Final = "access_key"


class OwnTokens:
    """Issues them and knows them."""

    def __init__(self, store: Store, clock: MachineClock, access: Access) -> None:
        self._store = store
        self._clock = clock
        self._access = access
        self._keys: dict[str, Any] = {}
        self._signing: str = ""
        self._signs_until: datetime | None = None
        self._making = asyncio.Lock()

    async def issue(self, principal: Principal, source: str) -> str:
        """A token for a principal. ``source`` says what it was given for: ``key:EMAIL/ID`` or ``issuer:NAME``; a token
        for a key is worth nothing once the key is deleted.
        """
        from joserfc import jwt  # noqa: PLC0415 - most servers issue none

        key = await self._signing_key()
        now = int(self._clock.now().timestamp())
        claims = {
            "iss": ISSUER,
            "sub": principal.member,
            "groups": sorted(principal.groups),
            "src": source,
            "iat": now,
            "exp": now + LIFE,
        }
        header = {"alg": ALGORITHM, "typ": TYPE, "kid": self._signing}
        return jwt.encode(header, claims, key, algorithms=[ALGORITHM])

    def is_one(self, token: Jwt) -> bool:
        return token.header.get("typ") == TYPE and token.claim("iss") == ISSUER

    async def principal(self, token: Jwt, now: float) -> tuple[Principal, float]:
        """Whom it was issued for, and until when it is good. Raises RefusedError."""
        key = self._keys.get(token.kid)
        if key is None:
            await self._load()
            key = self._keys.get(token.kid)
        if key is None:
            raise RefusedError("an access token of a key that is not known")
        token.verify(key, (ALGORITHM,))
        source, _, what = token.claim("src").partition(":")
        if source == "key":
            email, _, key_id = what.rpartition("/")
            if email not in self._access.accounts or (email, key_id) not in self._access.keys:
                raise RefusedError(f"an access token of a deleted key of {email}")
        groups = token.claims.get("groups")
        until = token.check_times(now, longest=LIFE)
        return Principal(token.claim("sub"), groups if isinstance(groups, list) else ()), until

    async def _signing_key(self) -> Any:
        now = self._clock.now()
        if self._signs_until is None or now >= self._signs_until:
            async with self._making:
                await self._load()
                if self._signs_until is None or now >= self._signs_until:
                    await self._make(now)
                    await self._load()
        return self._keys[self._signing]

    async def _make(self, now: datetime) -> None:
        from joserfc.jwk import OKPKey  # noqa: PLC0415

        key = await asyncio.to_thread(OKPKey.generate_key, "Ed25519", None, auto_kid=True)
        value = json.dumps({"created": now.isoformat(), "key": key.as_dict(private=True)}).encode()

        def work(tx: Transaction) -> None:
            tx.put_document(_KIND, f"{now.timestamp():015.0f}-{key.kid}", value, now + SIGNS_FOR + KEPT_AFTER)

        await self._store.write(work)

    async def _load(self) -> None:
        from joserfc.jwk import OKPKey  # noqa: PLC0415

        now = self._clock.now()

        def look(reader: Reader) -> list[tuple[str, bytes]]:
            return reader.documents(_KIND, "", "", KEYS_MAX, now)

        for _, value in await self._store.read(look):  # by age, so the last is the newest
            entry = json.loads(value)
            key = OKPKey.import_key(entry["key"])
            self._keys[str(key.kid)] = key
            self._signing = str(key.kid)
            self._signs_until = datetime.fromisoformat(entry["created"]) + SIGNS_FOR
