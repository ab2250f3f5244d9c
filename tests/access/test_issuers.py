"""Tokens of trusted issuers, with their keys from a file or from a server of the tests' own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey
from tests.access.world import (
    CLOUD_PLATFORM,
    GET,
    KEY,
    OWN_URL,
    QUEUE,
    Guarded,
    HandClock,
    hour,
    signed,
    status_of,
    traded,
)

from tidegate.servers.authentication.issuers import Issuer
from tidegate.servers.authentication.self_signed import audiences_of
from tidegate.settings.access import IssuerSetup

CLUSTER = "https://kubernetes.default.svc"
POD = "system:serviceaccount:shop:mailer"
MEMBER = f"principal://cluster/{POD}"
OTHER = RSAKey.generate_key(2048)


def jwks(tmp_path: Path, *keys: Any) -> str:
    file = tmp_path / "jwks.json"
    file.write_text(
        json.dumps({"keys": [key.as_dict(private=False) | {"kid": f"i{at}"} for at, key in enumerate(keys)]})
    )
    return str(file)


async def trusting(tmp_path: Path, **setup: Any) -> Guarded:
    """A server that trusts the cluster; viewers are its pods of one name."""
    said = {"name": "cluster", "url": CLUSTER, "audience": ("tidegate",), **setup}
    if "jwks_file" not in said:
        said["jwks_file"] = jwks(tmp_path, KEY)
    issuer = Issuer(IssuerSetup(**said), HandClock(), audiences_of([OWN_URL]))
    await issuer.start()
    server = await Guarded(issuers=(issuer,)).start()
    await server.allow("server", ("roles/viewer", MEMBER))
    return server


def pod(key: Any = KEY, **claims: Any) -> str:
    said = {"iss": CLUSTER, "sub": POD, "aud": ["tidegate"], **hour(), **claims}
    return signed({name: value for name, value in said.items() if value is not None}, key, kid="i0")


async def asked(server: Guarded, token: str) -> int:
    return status_of(await server.grpc(GET, GET.request_pb(name=QUEUE), token))


async def test_a_pod_shows_who_it_is_with_its_token(tmp_path: Path) -> None:
    server = await trusting(tmp_path)
    assert await asked(server, pod()) == 0
    assert await asked(server, pod(sub="system:serviceaccount:shop:other")) == 7


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["other"]},
        {"aud": None},
        {"aud": OWN_URL},
        {"iss": "https://other.svc"},
        {"exp": None},
        {"exp": 1},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "x" * 2000},
        {"sub": "a\nb"},
    ],
    ids=str,
)
async def test_a_token_of_an_issuer_with_wrong_claims_is_refused(tmp_path: Path, claims: dict[str, Any]) -> None:
    assert await asked(await trusting(tmp_path), pod(**claims)) == 16


async def test_only_the_issuer_s_keys_count(tmp_path: Path) -> None:
    server = await trusting(tmp_path)
    assert await asked(server, pod(OTHER)) == 16
    assert await asked(server, signed({"iss": CLUSTER, "sub": POD, "aud": "tidegate", **hour()}, kid="i1")) == 16


async def test_a_key_that_is_gone_from_the_file_counts_for_the_next_call(tmp_path: Path) -> None:
    server = await trusting(tmp_path)
    (issuer,) = server.authenticator.issuers.values()
    token = pod()
    assert await asked(server, token) == 0
    jwks(tmp_path, OTHER)
    issuer.read_file()
    assert await asked(server, token) == 16
    assert await asked(server, pod(OTHER)) == 0


async def test_elliptic_keys_and_several_keys_are_taken(tmp_path: Path) -> None:
    elliptic = ECKey.generate_key("P-256")
    server = await trusting(tmp_path, jwks_file=jwks(tmp_path, OTHER, elliptic))
    claims = {"iss": CLUSTER, "sub": POD, "aud": "tidegate", **hour()}
    assert await asked(server, signed(claims, elliptic, alg="ES256", kid="i1")) == 0
    assert await asked(server, signed(claims, OTHER, kid="i0")) == 0
    assert await asked(server, signed(claims, OTHER, kid="i1")) == 16


async def test_a_user_of_google_needs_a_verified_email_and_is_in_its_domain(tmp_path: Path) -> None:
    server = await trusting(tmp_path, url="https://accounts.google.com")
    await server.allow("server", ("roles/viewer", "domain:example.com"))
    user = {"iss": "accounts.google.com", "email": "ann@example.com", "hd": "example.com"}
    assert await asked(server, pod(**user, email_verified=True)) == 0
    assert await asked(server, pod(**user, email_verified=False)) == 16
    assert await asked(server, pod(**{**user, "hd": "evil.com"}, email_verified=True)) == 7


async def test_groups_of_a_claim_are_members_too(tmp_path: Path) -> None:
    server = await trusting(tmp_path, groups="groups")
    await server.allow("server", ("roles/viewer", "principalSet://cluster/group/mail"))
    assert await asked(server, pod(sub="x", groups=["mail", 7])) == 0
    assert await asked(server, pod(sub="x", groups="mail")) == 0
    assert await asked(server, pod(sub="x", groups=["other"])) == 7


@pytest.mark.parametrize("sub", ["allUsers", "domain:example.com", "deleted:user:x", "nobody"])
async def test_claims_cannot_make_a_member_that_is_everyone(tmp_path: Path, sub: str) -> None:
    assert await asked(await trusting(tmp_path, member="{sub}"), pod(sub=sub)) == 16


async def test_a_token_of_an_issuer_is_traded_for_an_access_token(tmp_path: Path) -> None:
    server = await trusting(tmp_path)
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "subject_token": pod(),
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "scope": CLOUD_PLATFORM,
    }
    status, said = await traded(server, "/v1/token", **form)
    assert (status, said["issued_token_type"]) == (200, "urn:ietf:params:oauth:token-type:access_token")
    assert await asked(server, said["access_token"]) == 0
    for wrong in (
        {"subject_token": pod(OTHER)},
        {"subject_token": "x"},
        {"subject_token_type": "saml"},
        {"scope": "x"},
    ):
        assert (await traded(server, "/v1/token", **{**form, **wrong}))[0] == 400
