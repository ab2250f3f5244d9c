"""Tokens: which are taken for whom, and which are refused. A refused one is never an error of ours."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from tests.access.world import (
    CLOUD_PLATFORM,
    EMAIL,
    KEY,
    NOON,
    OTHER_KEY,
    OWN_URL,
    PUBLIC,
    QUEUE,
    Guarded,
    asked,
    b64,
    hour,
    self_signed,
    signed,
    status_of,
    with_accounts,
)

ISSUED = int(NOON.timestamp())


@pytest.fixture
async def server() -> Guarded:
    return await with_accounts()


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"aud": "https://cloudtasks.googleapis.com"},
        {"aud": "https://cloudtasks.googleapis.com/google.cloud.tasks.v2.CloudTasks"},
        {"aud": f"{OWN_URL}/google.cloud.tasks.v2beta3.CloudTasks"},
        {"aud": OWN_URL},
        {"aud": [OWN_URL, "https://other.test"]},
        {"aud": None, "scope": CLOUD_PLATFORM},
        {"aud": "", "scope": f"openid {CLOUD_PLATFORM}"},
        {"aud": None, "scope": "https://www.googleapis.com/auth/cloud-tasks"},
        {"exp": ISSUED + 3900},
        {"iat": ISSUED + 30, "exp": ISSUED + 3600},
    ],
)
async def test_what_google_s_clients_sign_is_taken(server: Guarded, claims: dict[str, Any]) -> None:
    assert status_of(await asked(server, self_signed(EMAIL, **claims))) == 0


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "https://pubsub.googleapis.com/"},
        {"aud": "https://other.test:8123/google.cloud.tasks.v2.CloudTasks"},
        {"aud": f"{OWN_URL}/google.cloud.tasks.v2.Other"},
        {"aud": "https://other.test", "scope": CLOUD_PLATFORM},
        {"aud": None},
        {"aud": ""},
        {"aud": 7},
        {"aud": {"a": 1}},
        {"exp": ISSUED - 61, "iat": ISSUED - 3000},
        {"exp": ISSUED + 3901},
        {"exp": ISSUED + 10 * 365 * 86400},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 10**400},
        {"iat": None},
        {"iat": ISSUED + 61, "exp": ISSUED + 3600},
        {"nbf": ISSUED + 61},
        {"sub": "another@shop.iam.gserviceaccount.com"},
        {"sub": None},
        {"iss": "nobody@shop.iam.gserviceaccount.com", "sub": "nobody@shop.iam.gserviceaccount.com"},
        {"iss": EMAIL.upper(), "sub": EMAIL.upper()},
        {"iss": 7, "sub": 7},
    ],
    ids=str,
)
async def test_a_token_with_wrong_claims_is_refused(server: Guarded, claims: dict[str, Any]) -> None:
    answer = await asked(server, self_signed(EMAIL, **claims))
    assert status_of(answer) == 16
    assert "invalid authentication credentials" in answer.text


def by_hand(header: Any, claims: Any, sign: Callable[[bytes], bytes]) -> str:
    """A token that no library would make."""
    text = f"{b64(header)}.{b64(claims)}"
    return f"{text}.{urlsafe_b64encode(sign(text.encode())).rstrip(b'=').decode()}"


def shared_secret(text: bytes) -> bytes:
    return hmac.digest(PUBLIC, text, "sha256")


def rs256(text: bytes) -> bytes:
    assert KEY.private_key is not None
    return KEY.private_key.sign(text, PKCS1v15(), SHA256())


def forged() -> dict[str, str]:
    """Tokens for the mailer that nobody with its key has signed, or not in a way that counts."""
    claims = {"iss": EMAIL, "sub": EMAIL, "aud": "https://cloudtasks.googleapis.com/", **hour()}
    good = self_signed(EMAIL)
    header, payload, signature = good.split(".")
    none = b64({"alg": "none", "kid": "k1"})
    deep = urlsafe_b64encode(b'{"iss":' + b"[" * 3000 + b"]" * 3000 + b"}").rstrip(b"=").decode()
    return {
        "alg none": f"{none}.{payload}.",
        "alg none with a signature": f"{none}.{payload}.{signature}",
        "HS256 with the public key": by_hand({"alg": "HS256", "kid": "k1"}, claims, shared_secret),
        "RS512": by_hand({"alg": "RS512", "kid": "k1"}, claims, rs256),
        "PS256": by_hand({"alg": "PS256", "kid": "k1"}, claims, rs256),
        "another key": signed(claims, OTHER_KEY),
        "key ID unknown": signed(claims, kid="k9"),
        "key ID of the other account": signed(claims, kid="k2"),
        "key ID missing": ".".join([b64({"alg": "RS256"}), payload, signature]),
        "key in the header": signed(claims, OTHER_KEY, jwk=OTHER_KEY.as_dict(private=False)),
        "key by URL": signed(claims, OTHER_KEY, jku="https://evil.test/keys"),
        "critical header": by_hand({"alg": "RS256", "kid": "k1", "crit": ["exp"], "exp": 1}, claims, rs256),
        "claims changed": ".".join([header, b64({**claims, "sub": "x"}), signature]),
        "signature changed": f"{header}.{payload}.{signature[:-6]}AAAAAA",
        "signature missing": f"{header}.{payload}.",
        "two signatures": f"{good}.{signature}",
        "two tokens": f"{good},{good}",
        "longer than 16 KiB": signed({**claims, "padding": "x" * 20_000}),
        "deep JSON": f"{header}.{deep}.{signature}",
        "claims are a list": f"{header}.{b64([claims])}.{signature}",
        "claims are no JSON": f"{header}.{'A' * 40}.{signature}",
        "header is no JSON": f"{'A' * 40}.{payload}.{signature}",
        "header is a number": f"{b64(7)}.{payload}.{signature}",
        "alg is a list": f"{b64({'alg': ['RS256'], 'kid': 'k1'})}.{payload}.{signature}",
        "kid is an object": f"{b64({'alg': 'RS256', 'kid': {}})}.{payload}.{signature}",
        "no base64": "~~~.~~~.~~~",
        "dots": "..",
        "one word": "token",
        "a bare email": EMAIL,
        "JSON serialisation": json.dumps({"payload": payload, "signatures": [{"protected": header}]}),
        "encrypted form": "a.b.c.d.e",
    }


@pytest.mark.parametrize("kind", sorted(forged()))
async def test_a_forged_token_is_refused(server: Guarded, kind: str) -> None:
    assert status_of(await asked(server, forged()[kind])) == 16
    assert status_of(await server.http("GET", f"/v2/{QUEUE}", b"", forged()[kind])) == 16


async def test_a_token_that_is_only_too_old_says_so(server: Guarded) -> None:
    old = self_signed(EMAIL, iat=ISSUED - 3700, exp=ISSUED - 100)
    assert (await asked(server, old)).details.details[0].value.find(b"ACCESS_TOKEN_EXPIRED") > 0
    forged = self_signed(EMAIL, aud="https://other.test", iat=ISSUED - 3700, exp=ISSUED - 100)
    assert (await asked(server, forged)).details.details[0].value.find(b"ACCESS_TOKEN_TYPE_UNSUPPORTED") > 0


async def test_a_scope_that_is_not_enough_is_told(server: Guarded) -> None:
    answer = await asked(server, self_signed(EMAIL, aud=None, scope="https://www.googleapis.com/auth/pubsub"))
    assert (answer.status, answer.text) == (7, "Request had insufficient authentication scopes.")


async def test_a_token_is_good_until_it_expires_however_often_it_is_shown(server: Guarded) -> None:
    token = self_signed(EMAIL)
    assert status_of(await asked(server, token)) == 0
    server.clock.advance(seconds=3600)
    assert status_of(await asked(server, token)) == 0  # clocks may differ by a minute
    server.clock.advance(seconds=61)
    assert status_of(await asked(server, token)) == 16


async def test_a_deleted_key_or_account_is_refused_at_the_next_call(server: Guarded) -> None:
    token = self_signed(EMAIL)
    assert status_of(await asked(server, token)) == 0
    await server.engine.accounts.delete_key(EMAIL, "k1")
    assert status_of(await asked(server, token)) == 16
    await server.engine.accounts.add_key(EMAIL, "k1", PUBLIC)
    assert status_of(await asked(server, token)) == 0
    await server.engine.accounts.delete(EMAIL)
    assert status_of(await asked(server, token)) == 16


async def test_a_binding_that_is_taken_away_counts_for_the_next_call(server: Guarded) -> None:
    token = self_signed(EMAIL)
    assert status_of(await asked(server, token)) == 0
    await server.allow("server")
    assert status_of(await asked(server, token)) == 7


async def test_an_account_made_anew_has_none_of_the_old_one_s_rights(server: Guarded) -> None:
    name = f"projects/shop/serviceAccounts/{EMAIL}"
    await server.allow(name, ("roles/iam.serviceAccountUser", "user:ann@example.com"))
    await server.engine.accounts.delete(EMAIL)
    await server.account()
    assert (await server.engine.policies.get_at(name)).bindings == ()
    ann = server.token("user:ann@example.com")
    (principal,) = [each.principal for each in server.tokens.values() if each.principal.member == ann]
    assert not server.access.allows(principal, "iam.serviceAccounts.actAs", name)


async def test_a_static_token_is_taken_as_bearer_and_as_key_in_header_and_query(server: Guarded) -> None:
    ann = server.token("user:ann@example.com")
    await server.allow("server", ("roles/viewer", ann))
    path = f"/v2/{QUEUE}"
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert status_of(await server.http("GET", path, headers={"Authorization": f"{scheme} {ann}"})) == 0
    assert status_of(await server.http("GET", path, headers={"X-Goog-Api-Key": ann})) == 0
    assert status_of(await server.http("GET", path, query=f"key={ann}")) == 0
    assert status_of(await server.http("GET", path, query=f"access_token={ann}")) == 0


@pytest.mark.parametrize(
    "token", ["user:ann@example.co", "User:ann@example.com", "user:ann@example.com ", "owner", "x" * 17_000]
)
async def test_a_static_token_changed_in_one_byte_is_refused(server: Guarded, token: str) -> None:
    ann = server.token("user:ann@example.com")
    await server.allow("server", ("roles/viewer", ann))
    assert status_of(await server.http("GET", f"/v2/{QUEUE}", headers={"X-Goog-Api-Key": token})) == 16


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic dXNlcjpwYXNz"},
        {"Authorization": "Bearer"},
        {"Authorization": ""},
        {"Authorization": "Bearer "},
    ],
)
async def test_a_credential_that_is_there_and_wrong_is_not_passed_over(
    server: Guarded, headers: dict[str, str]
) -> None:
    ann = server.token("user:ann@example.com")
    await server.allow("server", ("roles/viewer", "allUsers"))
    path = f"/v2/{QUEUE}"
    assert status_of(await server.http("GET", path)) == 0
    assert status_of(await server.http("GET", path, headers={**headers, "X-Goog-Api-Key": ann})) == 16


async def test_a_remembered_token_still_has_to_be_shown_as_one(server: Guarded) -> None:
    ann = server.token("user:ann@example.com")
    await server.allow("server", ("roles/viewer", ann))
    assert status_of(await server.http("GET", f"/v2/{QUEUE}", token=ann)) == 0
    for headers in ({"Authorization": ann}, {"X-Goog-Api-Key": f"Bearer {ann}"}):
        assert status_of(await server.http("GET", f"/v2/{QUEUE}", headers=headers)) == 16


async def test_a_401_says_how_to_show_who_calls(server: Guarded) -> None:
    answer = await server.http("GET", f"/v2/{QUEUE}")
    assert answer.http_status == 401
    assert answer.headers[b"www-authenticate"] == b'Bearer realm="https://accounts.google.com/", error="invalid_token"'
    error = json.loads(answer.body)["error"]
    assert error["message"] == (
        "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other "
        "valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project."
    )
    assert error["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "CREDENTIALS_MISSING",
            "domain": "googleapis.com",
            "metadata": {"method": "google.cloud.tasks.v2.CloudTasks.GetQueue", "service": "cloudtasks.googleapis.com"},
        }
    ]


async def test_too_many_wrong_tokens_from_an_address_are_refused_unread_but_known_ones_are_not(server: Guarded) -> None:
    good = self_signed(EMAIL)
    assert status_of(await asked(server, good)) == 0
    ann = server.token("user:ann@example.com")
    await server.allow("server", ("roles/viewer", ann), ("roles/cloudtasks.viewer", f"serviceAccount:{EMAIL}"))
    statuses = [status_of(await asked(server, f"wrong-{number}")) for number in range(102)]
    assert statuses == [16] * 100 + [8, 8]
    assert status_of(await asked(server, good)) == 0
    assert status_of(await asked(server, ann)) == 0
    assert status_of(await asked(server, self_signed(EMAIL, jti="new"))) == 8
    assert status_of(await asked(server, self_signed(EMAIL, jti="new"), client=("10.0.0.10", 1))) == 0
    server.clock.advance(seconds=60)
    assert status_of(await asked(server, self_signed(EMAIL, jti="newer"))) == 0
