"""Trusted OpenID Connect issuers: their keys, and the member that a token of theirs stands for."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from tidegate.core.access import Principal
from tidegate.core.policy import is_member
from tidegate.engine.ports.world import MachineClock
from tidegate.operator_errors import OperatorError
from tidegate.servers.authentication.fetching import FetchError, fetch_json
from tidegate.servers.authentication.jwt import Jwt
from tidegate.servers.authentication.refused import RefusedError
from tidegate.settings.access import IssuerSetup

FETCHED_EVERY: Final = 600.0
"""Seconds between two fetches of an issuer's keys."""
FETCHED_AGAIN_AFTER: Final = 30.0
"""Seconds after which an unknown key ID makes us fetch once more."""
GOOD_FOR: Final = 3600.0
"""Seconds for which keys are trusted while the issuer is not reached."""
GROUPS_MAX: Final = 200
"""Groups of a caller that count."""
CLAIM_MAX: Final = 1024
"""Characters of a claim that becomes part of a member."""
GOOGLE: Final = ("https://accounts.google.com", "accounts.google.com")
"""Both stand in tokens of Google's."""

_CLAIM: Final = re.compile(r"\{([A-Za-z0-9_.:/-]+)\}")
_TYPES: Final = frozenset({"RSA", "EC", "OKP"})
_NO_ONE: Final = ("allUsers", "allAuthenticatedUsers", "deleted:", "domain:", "principalSet:", "group:")

logger = logging.getLogger(__name__)


class Issuer:
    """One issuer. ``audiences`` are those of the server, for an issuer without its own."""

    def __init__(self, setup: IssuerSetup, clock: MachineClock, audiences: Collection[str]) -> None:
        google = setup.url in GOOGLE
        self.name = setup.name
        self.setup = setup
        self.urls = GOOGLE if google else (setup.url,)
        self._member = setup.member or ("user:{email}" if google else f"principal://{setup.name}/{{sub}}")
        self._domain = setup.domain or ("{hd}" if google else "")
        self._audiences = frozenset(setup.audience) or frozenset(audiences)
        self._clock = clock
        self._keys: dict[str, Any] = {}
        self._fetched = float("-inf")
        self._tried = float("-inf")
        self._fetching = asyncio.Lock()
        self.on_change: Callable[[], None] = lambda: None
        """Called when its keys are others than before: what they verified counts no more."""

    async def start(self) -> None:
        """Have keys, if they can be had. Raises OperatorError for a file that cannot be read."""
        if self.setup.jwks_file is not None:
            self.read_file()
        else:
            await self.fetch()

    def read_file(self) -> None:
        """Read the file with the keys anew. Raises OperatorError."""
        file = self.setup.jwks_file
        if file is None:
            return
        try:
            self._use(keys_of(json.loads(Path(file).read_bytes())))
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no JWK set"
            raise OperatorError(
                f"cannot read the keys of issuer {self.name} in {file}: {why}; name another jwks_file"
            ) from None

    async def keep_fetching(self) -> None:
        """Fetch the keys from time to time, until cancelled."""
        while self.setup.jwks_file is None:
            await self._clock.sleep(FETCHED_EVERY)
            await self.fetch()

    async def fetch(self) -> None:
        """Fetch the keys. When that fails, the old ones stay good for a while."""
        async with self._fetching:
            self._tried = self._clock.monotonic()
            try:
                document = await fetch_json(await self._jwks_url(), self.setup.ca_file)
                keys = keys_of(document)
                self._fetched = self._clock.monotonic()
                self._use(keys)
            except (FetchError, ValueError) as error:
                logger.warning("cannot fetch the keys of issuer %s: %s", self.name, error)

    async def discovery(self) -> Mapping[str, Any]:
        """Its discovery document. Raises FetchError."""
        url = f"{self.urls[0].rstrip('/')}/.well-known/openid-configuration"
        document = await fetch_json(url, self.setup.ca_file)
        if document.get("issuer") not in self.urls:
            raise FetchError(f"{url}: it is of another issuer")
        return document

    async def principal(self, token: Jwt, now: float, *, audiences: Collection[str] = ()) -> tuple[Principal, float]:
        """Whom its token stands for, and until when. ``audiences`` are taken in place of the issuer's. Raises
        RefusedError.
        """
        key = self._find(token)
        if key is None and self.setup.jwks_file is None:
            if self._clock.monotonic() - self._tried >= FETCHED_AGAIN_AFTER:
                await self.fetch()
            key = self._find(token)
        if key is None:
            raise RefusedError(f"issuer {self.name} has no key {token.kid[:64]!r}")
        token.verify(key, self.setup.algorithms)
        if token.header.get("typ") == "at+jwt" and not token.audiences():
            raise RefusedError("meant for nobody")
        if not any(each in (audiences or self._audiences) for each in token.audiences()):
            raise RefusedError("meant for another service")
        until = token.check_times(now)
        return Principal(self.member(token.claims), self._groups(token.claims)), until

    def member(self, claims: Mapping[str, Any]) -> str:
        """The member for these claims. Raises RefusedError."""
        member = filled(self._member, claims)
        if not is_member(member) or member.startswith(_NO_ONE):
            raise RefusedError(f"its claims make no member: {member[:100]!r}")
        return member

    def _groups(self, claims: Mapping[str, Any]) -> Iterable[str]:
        if self._domain:
            with suppress(RefusedError):  # a private account has none
                yield f"domain:{filled(self._domain, claims)}"
        said = claims.get(self.setup.groups) if self.setup.groups else None
        groups = [said] if isinstance(said, str) else said
        for group in groups[:GROUPS_MAX] if isinstance(groups, list) else ():
            if isinstance(group, str) and group and len(group) <= CLAIM_MAX:
                yield f"principalSet://{self.name}/group/{group}"

    def _use(self, keys: dict[str, Any]) -> None:
        before, self._keys = self._keys, keys
        if _public(keys) != _public(before):
            self.on_change()

    def _find(self, token: Jwt) -> Any:
        if self.setup.jwks_file is None and self._clock.monotonic() - self._fetched > GOOD_FOR:
            return None
        if not token.kid and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(token.kid)

    async def _jwks_url(self) -> str:
        if self.setup.jwks_url is not None:
            return self.setup.jwks_url
        url = (await self.discovery()).get("jwks_uri")
        if not isinstance(url, str) or (self.urls[0].startswith("https:") and not url.startswith("https:")):
            raise FetchError("its discovery document has no jwks_uri of use")
        return url


def keys_of(document: Any) -> dict[str, Any]:
    """The public keys of a JWK set by their IDs; those with a shared secret are left out. Raises ValueError."""
    from joserfc.errors import JoseError  # noqa: PLC0415 - most servers trust no issuer
    from joserfc.jwk import JWKRegistry  # noqa: PLC0415

    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ValueError("no JWK set")  # noqa: TRY004 - what came is wrong, not the program
    found: dict[str, Any] = {}
    for entry in entries:
        if isinstance(entry, dict) and entry.get("kty") in _TYPES and entry.get("use", "sig") == "sig":
            try:
                found[str(entry.get("kid", ""))] = JWKRegistry.import_key(entry)
            except (JoseError, ValueError, TypeError, KeyError):
                continue  # of a kind that is not known here
    return found


def _public(keys: Mapping[str, Any]) -> dict[str, Any]:
    return {kid: key.as_dict(private=False) for kid, key in keys.items()}


def filled(template: str, claims: Mapping[str, Any]) -> str:
    """A template with claims in place of ``{name}``. Raises RefusedError when one is missing, or an email is not
    verified.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        claim = claims.get(name)
        if not isinstance(claim, str) or not claim or len(claim) > CLAIM_MAX or not claim.isprintable():
            raise RefusedError(f"no claim {name} of use")
        if name == "email" and claims.get("email_verified") not in {True, "true"}:
            raise RefusedError("its email is not verified")
        return claim

    return _CLAIM.sub(value, template)
