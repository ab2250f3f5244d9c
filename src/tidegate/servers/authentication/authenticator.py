"""Who calls: the credential of a request looked up among those that were verified before, else verified."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from tidegate.core.access import ANYONE, Principal
from tidegate.core.access.refusals import credentials_invalid, scope_insufficient, too_many_wrong
from tidegate.core.errors import ApiError
from tidegate.engine.ports.world import MachineClock
from tidegate.servers.authentication.certificates import Certificates
from tidegate.servers.authentication.issuers import Issuer
from tidegate.servers.authentication.jwt import TOKEN_MAX, Jwt
from tidegate.servers.authentication.own_tokens import OwnTokens
from tidegate.servers.authentication.presented import NOTHING, Presented, presented
from tidegate.servers.authentication.refused import RefusedError
from tidegate.servers.authentication.self_signed import SelfSigned
from tidegate.servers.authentication.throttle import Throttle
from tidegate.servers.authentication.tokens_file import StaticTokens
from tidegate.servers.call import Scope

REMEMBERED_MAX: Final = 10_000
"""Verified credentials that are remembered; the least used go first."""
REFUSED_FOR: Final = 5.0
"""Seconds for which a refused token is refused unread."""
WRONG_MAX: Final = 100
"""Wrong credentials that an address may show in ``WRONG_SPAN``."""
WRONG_SPAN: Final = 60.0

logger = logging.getLogger(__name__)


class Authenticator:
    """Answers who calls. ``forget`` follows each change of accounts, keys and tokens."""

    def __init__(
        self,
        clock: MachineClock,
        *,
        static: StaticTokens,
        self_signed: SelfSigned,
        own: OwnTokens,
        issuers: Sequence[Issuer] = (),
        certificates: Certificates | None = None,
    ) -> None:
        self._clock = clock
        self._static = static
        self._self_signed = self_signed
        self._own = own
        self.issuers = {url: issuer for issuer in issuers for url in issuer.urls}
        self._certificates = certificates
        self._remembered: OrderedDict[bytes | str, tuple[Principal, float]] = OrderedDict()
        self._refused: OrderedDict[bytes, tuple[RefusedError, float]] = OrderedDict()
        self._wrong = Throttle(WRONG_MAX, WRONG_SPAN)
        for issuer in issuers:
            issuer.on_change = self.forget

    def forget(self) -> None:
        """Verify every credential anew."""
        self._remembered.clear()
        self._refused.clear()

    def use_tokens(self, static: StaticTokens) -> None:
        """Other static tokens."""
        self._static = static
        self.forget()

    def known(self, call: Any) -> Principal | None:
        """Who makes a call, if nothing must be verified for that; None when ``authenticate`` must be awaited.

        A call without credentials is made by ``ANYONE``, and so is None, which is no call of a client.
        """
        if call is None:
            return ANYONE
        principal: Principal | None = call.principal
        if principal is not None:  # a part of this server calls for someone whom it knows
            return principal
        scope = call.scope
        bearer = None
        for name, value in scope["headers"]:
            if name == b"authorization":
                if bearer is not None:
                    return None
                bearer = value
        if bearer is not None:  # nearly every call: its whole header is remembered
            return self._recall(bearer)
        try:
            shown = presented(scope, certificates=self._certificates is not None)
        except RefusedError:
            return None
        return ANYONE if shown is NOTHING else self._recall(self._key(shown))

    async def authenticate(self, call: Any, method: str) -> Principal:
        """Who makes a call of ``method`` (its full name, for the errors).

        Raises:
            Unauthenticated: The credential is wrong.
            PermissionDenied: Its scopes do not allow to call.
            ResourceExhausted: Too many wrong ones came from this address.
        """
        scope = call.scope
        try:
            shown = presented(scope, certificates=self._certificates is not None)
        except RefusedError as refused:
            raise self._wrongly(refused, scope, method) from None
        if shown is NOTHING:
            return ANYONE
        return await self.verify(shown, scope, method)

    async def verify(self, shown: Presented, scope: Scope, method: str) -> Principal:
        """Who shows this credential in a request. Raises as ``authenticate``."""
        recalled = self._recall(self._key(shown))
        if recalled is not None:
            self._remember(bearer_of(scope), recalled, self._remembered[self._key(shown)][1])
            return recalled
        digest = sha256(shown.token if shown.token is not None else (shown.certificate or "").encode()).digest()
        now = self._clock.monotonic()
        earlier = self._refused.get(digest)
        if earlier is not None and earlier[1] > now:
            raise self._error(earlier[0], method)
        wall = self._clock.now().timestamp()
        try:
            if shown.certificate is not None:
                found = self._from_certificate(shown.certificate)
            else:
                found = await self._from_token(shown.token or b"", wall, address_of(scope))
        except RefusedError as refused:
            self._refused[digest] = refused, now + REFUSED_FOR
            if len(self._refused) > REMEMBERED_MAX:
                self._refused.popitem(last=False)
            raise self._wrongly(refused, scope, method) from None
        principal, until = found
        for key in (self._key(shown), bearer_of(scope)):
            self._remember(key, principal, now + until - wall)
        return principal

    def _remember(self, key: bytes | str | None, principal: Principal, until: float) -> None:
        if key is not None:
            self._remembered[key] = principal, until
            if len(self._remembered) > REMEMBERED_MAX:
                self._remembered.popitem(last=False)

    def _recall(self, key: bytes | str) -> Principal | None:
        found = self._remembered.get(key)
        if found is None:
            return None
        if found[1] <= self._clock.monotonic():
            del self._remembered[key]
            return None
        self._remembered.move_to_end(key)
        return found[0]

    @staticmethod
    def _key(shown: Presented) -> bytes | str:
        """Under what it is remembered. No header has a NUL, so a token is never taken for a whole header."""
        return b"\0" + shown.token if shown.token is not None else shown.certificate or ""

    def _from_certificate(self, pem: str) -> tuple[Principal, float]:
        if self._certificates is None:
            raise RefusedError("certificates do not count")
        return self._certificates.principal(pem)

    async def _from_token(self, text: bytes, now: float, address: str) -> tuple[Principal, float]:
        """Whose token it is. Static ones are found at once; signatures take time, so an address gets only so many."""
        if len(text) > TOKEN_MAX:
            raise RefusedError("longer than 16 KiB")
        found = self._static.find(text, now)
        if found is not None:
            return found
        if wait := self._wrong.wait(address, self._clock.monotonic()):
            raise too_many_wrong(timedelta(seconds=wait))
        token = Jwt(text)
        if self._own.is_one(token):
            return await self._own.principal(token, now)
        if self._self_signed.is_one(token):
            return self._self_signed.principal(token, now)
        issuer = self.issuers.get(token.claim("iss"))
        if issuer is None:
            raise RefusedError(f"of an issuer that is not trusted, {token.claim('iss')[:100]!r}")
        return await issuer.principal(token, now)

    def _wrongly(self, refused: RefusedError, scope: Scope, method: str) -> ApiError:
        address, now = address_of(scope), self._clock.monotonic()
        wait = self._wrong.wait(address, now)
        if wait:
            return too_many_wrong(timedelta(seconds=wait))
        self._wrong.note(address, now)
        text = "refused the credential of %s for %s: %s"
        logger.info(text, address, method, refused.reason, extra={"request": method})
        return self._error(refused, method)

    @staticmethod
    def _error(refused: RefusedError, method: str) -> ApiError:
        if refused.scope:
            return scope_insufficient(method)
        return credentials_invalid(method, expired=refused.expired)


def bearer_of(scope: Scope) -> bytes | None:
    """The whole Authorization header; None without one."""
    return next((value for name, value in scope["headers"] if name == b"authorization"), None)


def address_of(scope: Scope) -> str:
    """The address that a request came from."""
    client = scope.get("client")
    return str(client[0]) if client else ""
