"""The TokenMint for real: Authorization headers for tasks that carry a token."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections import OrderedDict
from datetime import datetime, timedelta
from functools import partial

from tidegate.core.queue import OAuthToken, OidcToken, Token
from tidegate.delivery.shared import Shared
from tidegate.delivery.signing_keys import ALGORITHM, SigningKey
from tidegate.delivery.stored_keys import Keys
from tidegate.delivery.token_sources import CLOUD_PLATFORM, Fetched, TokenSource
from tidegate.engine.ports.world import MachineClock, MintError
from tidegate.operator_errors import OperatorError

LIVES = timedelta(hours=1)
LEFT_FOR_AN_ATTEMPT = timedelta(minutes=30)  # the longest dispatch deadline: a token is valid for its whole attempt
LEFT_OF_A_FETCHED_ONE = timedelta(minutes=4)  # the metadata server returns tokens until 5 minutes before they expire
REMEMBERED_MAX = 4096  # tokens; the default audience is the task's own URL, so each task may need another
ACCOUNT_NUMBER_DIGITS = 21

logger = logging.getLogger(__name__)


class Mint:
    """Makes, fetches and caches tokens.

    ID tokens are signed with ``keys`` and name ``issuer``; with ``hand_over`` they come from the ``source``. Access
    tokens come from the source. Without one they are random texts, which are enough to develop handlers.
    """

    def __init__(
        self,
        clock: MachineClock,
        keys: Keys,
        issuer: str,
        source: TokenSource | None = None,
        *,
        hand_over: bool = False,
    ) -> None:
        self._clock = clock
        self._keys = keys
        self._issuer = issuer
        self._source = source
        self._id_source = source if hand_over else None
        self._remembered: OrderedDict[Token, tuple[datetime, str]] = OrderedDict()
        self._minting: Shared[Token, str] = Shared()
        self._warned = False

    async def authorization(self, token: Token) -> str:
        """``Bearer`` and a token that is valid for a whole attempt. Raises MintError."""
        remembered = self._remembered.get(token)
        if remembered is not None and self._clock.now() < remembered[0]:
            self._remembered.move_to_end(token)
            return remembered[1]
        return await self._minting.run(token, partial(self._mint, token))

    async def _mint(self, token: Token) -> str:
        if isinstance(token, OAuthToken):
            until, text = await self._access_token(token)
        else:
            until, text = await self._id_token(token)
        header = f"Bearer {text}"
        self._remembered[token] = (until, header)
        self._remembered.move_to_end(token)
        if len(self._remembered) > REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        return header

    async def _access_token(self, token: OAuthToken) -> tuple[datetime, str]:
        """An access token, and until when it may be used again."""
        if self._source is not None:
            return given_out(
                await self._source.access_token(token.service_account_email, token.scope or CLOUD_PLATFORM)
            )
        if not self._warned:
            self._warned = True
            logger.warning("OAuth tokens are random: no token source is configured, so no Google API will accept them")
        return self._clock.now() + LIVES - LEFT_FOR_AN_ATTEMPT, secrets.token_urlsafe(32)

    async def _id_token(self, token: OidcToken) -> tuple[datetime, str]:
        """An ID token, and until when it may be used again."""
        if self._id_source is not None:
            return given_out(await self._id_source.id_token(token.service_account_email, token.audience))
        now = self._clock.now()
        try:
            ring = await self._keys.ring(now)
        except OSError as error:
            raise MintError(f"signing keys cannot be saved: {error.strerror}") from error
        except OperatorError as error:  # another process made the file first, and it cannot be read
            raise MintError("signing keys cannot be read") from error
        return now + LIVES - LEFT_FOR_AN_ATTEMPT, id_token(token, ring.signing(now), self._issuer, now)


def given_out(fetched: Fetched) -> tuple[datetime, str]:
    return fetched.expires - LEFT_OF_A_FETCHED_ONE, fetched.token


def id_token(token: OidcToken, key: SigningKey, issuer: str, now: datetime) -> str:
    """A signed ID token with the same header and claims as Google's. Signing takes 0.3 ms."""
    from joserfc import jwt  # with the key, most of it is there

    issued = int(now.timestamp())
    number = account_number(token.service_account_email)
    claims = {
        "aud": token.audience,
        "azp": number,
        "email": token.service_account_email,
        "email_verified": True,
        "exp": issued + int(LIVES.total_seconds()),
        "iat": issued,
        "iss": issuer,
        "sub": number,
    }
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}, claims, key.key, [ALGORITHM])


def account_number(email: str) -> str:
    """The number of an account in ``sub`` and ``azp``: 21 digits, always the same for an email."""
    digest = int.from_bytes(hashlib.sha256(email.lower().encode()).digest())
    digits = ACCOUNT_NUMBER_DIGITS - 1
    return f"1{digest % 10**digits:0{digits}d}"
