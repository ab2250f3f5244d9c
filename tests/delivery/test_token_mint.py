from __future__ import annotations

import asyncio
import json
import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import google.auth.jwt
import jwt as pyjwt
import pytest
from google.auth import transport
from google.oauth2 import id_token as google_id_token
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt as jose
from joserfc.jwk import KeySet
from tests.delivery.conftest import NOON, StoppedClock

from tidegate.core.queue import OAuthToken, OidcToken
from tidegate.delivery.signing_keys import SigningKeys, discovery, jwks, pem_keys
from tidegate.delivery.token_mint import Mint, account_number
from tidegate.delivery.token_sources import CLOUD_PLATFORM, Fetched
from tidegate.engine.ports.world import MintError

ISSUER = "http://127.0.0.1:8123"
AUDIENCE = "https://handler.example/task?a=b"
EMAIL = "worker@project.iam.gserviceaccount.com"
OIDC = OidcToken(EMAIL, AUDIENCE)
OAUTH = OAuthToken(EMAIL, "scope")
MINUTE = timedelta(minutes=1)


class Source:
    """A token source that counts; with an error, or a pause, if told so."""

    def __init__(self, clock: StoppedClock, lives: timedelta = 60 * MINUTE) -> None:
        self.clock = clock
        self.lives = lives
        self.asked: list[tuple[str, str, str]] = []
        self.fails = False

    async def access_token(self, email: str, scope: str) -> Fetched:
        return await self._fetch("access", email, scope)

    async def id_token(self, email: str, audience: str) -> Fetched:
        return await self._fetch("id", email, audience)

    async def _fetch(self, *asked: str) -> Fetched:
        self.asked.append((asked[0], asked[1], asked[2]))
        await asyncio.sleep(0)
        if self.fails:
            raise MintError("the token source gave none: RefreshError")
        return Fetched(f"{asked[0]}-{len(self.asked)}", self.clock.now() + self.lives)


@pytest.fixture
def keys() -> SigningKeys:
    return SigningKeys(None)


@pytest.fixture
def mint(clock: StoppedClock, keys: SigningKeys) -> Mint:
    return Mint(clock, keys, ISSUER)


async def token_of(mint: Mint, token: OidcToken = OIDC) -> str:
    scheme, _, text = (await mint.authorization(token)).partition(" ")
    assert scheme == "Bearer"
    return text


async def test_an_id_token_has_the_header_and_claims_of_googles(mint: Mint, keys: SigningKeys) -> None:
    text = await token_of(mint)
    ring = await keys.ring(NOON)
    issued = int(NOON.timestamp())
    assert google.auth.jwt.decode_header(text) == {"alg": "RS256", "kid": ring.keys[0].kid, "typ": "JWT"}
    assert google.auth.jwt.decode(text, verify=False) == {
        "aud": AUDIENCE,
        "azp": account_number(EMAIL),
        "email": EMAIL,
        "email_verified": True,
        "exp": issued + 3600,
        "iat": issued,
        "iss": ISSUER,
        "sub": account_number(EMAIL),
    }


async def test_joserfc_accepts_it_with_the_published_keys(mint: Mint, keys: SigningKeys) -> None:
    text = await token_of(mint)
    published = KeySet.import_key_set(served(jwks(await keys.ring(NOON))))
    assert jose.decode(text, published, ["RS256"]).claims["email"] == EMAIL


class Web(transport.Request):
    """The world as google-auth sees it: every URL serves one document."""

    def __init__(self, document: Any) -> None:
        self.document = document

    def __call__(self, url: str, method: str = "GET", *args: Any, **kwargs: Any) -> Any:
        class Response:
            status = 200
            data = json.dumps(self.document).encode()

        return Response()


async def test_google_auth_accepts_it_with_either_set_of_published_keys(keys: SigningKeys) -> None:
    now = StoppedClock()
    now.wall = datetime.now(UTC)  # google-auth looks at the real clock
    text = await token_of(Mint(now, keys, ISSUER))
    ring = await keys.ring(now.wall)
    for document in (pem_keys(ring), jwks(ring)):
        claims = google_id_token.verify_token(text, Web(served(document)), AUDIENCE, certs_url=ISSUER)
        assert claims["sub"] == account_number(EMAIL)
        with pytest.raises((ValueError, pyjwt.InvalidAudienceError)):
            google_id_token.verify_token(text, Web(served(document)), "another audience", certs_url=ISSUER)


async def test_a_forged_token_is_not_accepted(mint: Mint, keys: SigningKeys) -> None:
    header, _, signature = (await token_of(mint)).split(".")
    other = await token_of(mint, OidcToken("root@project.iam.gserviceaccount.com", AUDIENCE))
    forged = f"{header}.{other.split('.')[1]}.{signature}"
    with pytest.raises(ValueError, match="signature"):
        google.auth.jwt.decode(forged, certs=pem_keys(await keys.ring(NOON)))


def served(document: dict[str, Any]) -> Any:
    """The document as it comes over the wire, with nothing private in it."""
    text = json.dumps(document)
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(re.findall(r'"(\w+)":', text))
    assert "PRIVATE" not in text
    return json.loads(text)


def test_the_discovery_document_points_to_the_keys() -> None:
    document = discovery(ISSUER)
    assert document["issuer"] == ISSUER
    assert document["jwks_uri"] == f"{ISSUER}/oauth2/v3/certs"
    assert document["id_token_signing_alg_values_supported"] == ["RS256"]
    assert served(document) == document


@given(st.emails())
def test_an_account_is_a_number_of_21_digits_for_good(email: str) -> None:
    assert re.fullmatch(r"1\d{20}", account_number(email))
    assert account_number(email) == account_number(email)


def test_the_number_of_an_account_does_not_change_between_versions() -> None:
    assert account_number(EMAIL) == "101583221925814985096"
    assert account_number(EMAIL.upper()) == account_number(EMAIL)
    assert account_number("other@project.iam.gserviceaccount.com") != account_number(EMAIL)


# Remembering


async def test_a_token_is_given_out_while_it_outlives_the_longest_attempt(mint: Mint, clock: StoppedClock) -> None:
    first = await token_of(mint)
    clock.advance(29 * MINUTE)
    assert await token_of(mint) == first
    clock.advance(MINUTE)
    assert await token_of(mint) != first


async def test_accounts_and_audiences_have_tokens_of_their_own(mint: Mint) -> None:
    tokens = [OIDC, OidcToken(EMAIL, "other"), OidcToken("other@p.iam.gserviceaccount.com", AUDIENCE)]
    assert len({await token_of(mint, token) for token in tokens}) == 3


async def test_no_more_tokens_are_remembered_than_a_server_can_hold(
    mint: Mint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.delivery.token_mint.REMEMBERED_MAX", 2)
    first = await token_of(mint, OidcToken(EMAIL, "1"))
    await token_of(mint, OidcToken(EMAIL, "2"))
    assert await token_of(mint, OidcToken(EMAIL, "1")) == first
    await token_of(mint, OidcToken(EMAIL, "3"))
    assert [token.audience for token in mint._remembered if isinstance(token, OidcToken)] == ["1", "3"]


# OAuth tokens


async def test_without_a_source_an_access_token_is_random_and_the_log_says_so_once(
    mint: Mint, clock: StoppedClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        first = await mint.authorization(OAUTH)
        assert await mint.authorization(OAUTH) == first
        assert await mint.authorization(OAuthToken(EMAIL, "another")) != first
    assert re.fullmatch(r"Bearer [\w-]{43}", first)
    assert len(caplog.records) == 1


async def test_with_a_source_access_tokens_are_its_own(clock: StoppedClock, keys: SigningKeys) -> None:
    source = Source(clock)
    mint = Mint(clock, keys, ISSUER, source)
    assert await mint.authorization(OAUTH) == "Bearer access-1"
    assert await mint.authorization(OAuthToken(EMAIL)) == "Bearer access-2"
    assert source.asked == [("access", EMAIL, "scope"), ("access", EMAIL, CLOUD_PLATFORM)]


async def test_id_tokens_are_our_own_even_with_a_source_unless_handed_over(
    clock: StoppedClock, keys: SigningKeys
) -> None:
    source = Source(clock)
    await Mint(clock, keys, ISSUER, source).authorization(OIDC)
    assert source.asked == []
    assert await Mint(clock, keys, ISSUER, source, hand_over=True).authorization(OIDC) == "Bearer id-1"
    assert source.asked == [("id", EMAIL, AUDIENCE)]


async def test_a_fetched_token_is_given_out_until_shortly_before_it_expires(
    clock: StoppedClock, keys: SigningKeys
) -> None:
    mint = Mint(clock, keys, ISSUER, Source(clock, lives=10 * MINUTE))
    assert await mint.authorization(OAUTH) == "Bearer access-1"
    clock.advance(5 * MINUTE)
    assert await mint.authorization(OAUTH) == "Bearer access-1"
    clock.advance(MINUTE)
    assert await mint.authorization(OAUTH) == "Bearer access-2"


async def test_many_attempts_at_once_fetch_one_token(clock: StoppedClock, keys: SigningKeys) -> None:
    source = Source(clock)
    mint = Mint(clock, keys, ISSUER, source)
    assert set(await asyncio.gather(*[mint.authorization(OAUTH) for _ in range(50)])) == {"Bearer access-1"}


async def test_a_source_that_fails_is_a_mint_error_and_is_asked_again(clock: StoppedClock, keys: SigningKeys) -> None:
    source = Source(clock)
    source.fails = True
    mint = Mint(clock, keys, ISSUER, source)
    for _ in range(2):
        with pytest.raises(MintError, match="RefreshError"):
            await mint.authorization(OAUTH)
    source.fails = False
    assert await mint.authorization(OAUTH) == "Bearer access-3"


async def test_keys_that_cannot_be_saved_are_a_mint_error(clock: StoppedClock, tmp_path: Path) -> None:
    mint = Mint(clock, SigningKeys(tmp_path / "gone" / "keys.json"), ISSUER)
    with pytest.raises(MintError, match="signing keys cannot be saved: No such file or directory"):
        await mint.authorization(OIDC)
