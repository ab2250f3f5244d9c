"""What the token endpoint trades: a signed assertion of an account for an access token or an ID token."""

from __future__ import annotations

import pytest
from tests.access.world import (
    CLOUD_PLATFORM,
    EMAIL,
    KEY,
    OTHER_KEY,
    OWN_URL,
    Guarded,
    asked,
    b64,
    hour,
    self_signed,
    signed,
    status_of,
    traded,
    with_accounts,
)


@pytest.fixture
async def server() -> Guarded:
    return await with_accounts()


JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


async def test_an_assertion_is_traded_for_an_access_token(server: Guarded) -> None:
    for audience in ("https://oauth2.googleapis.com/token", f"{OWN_URL}/token"):
        assertion = self_signed(EMAIL, sub=None, aud=audience, scope=CLOUD_PLATFORM)
        status, said = await traded(server, grant_type=JWT_BEARER, assertion=assertion)
        assert (status, said["token_type"], said["expires_in"]) == (200, "Bearer", 3600)
        assert status_of(await asked(server, said["access_token"])) == 0
        assert status_of(await asked(server, assertion)) == 16
    server.clock.advance(seconds=3661)
    assert status_of(await asked(server, said["access_token"])) == 16


async def test_an_access_token_is_worth_nothing_once_its_key_is_deleted(server: Guarded) -> None:
    assertion = self_signed(EMAIL, aud=f"{OWN_URL}/token", scope=CLOUD_PLATFORM)
    _, said = await traded(server, grant_type=JWT_BEARER, assertion=assertion)
    assert status_of(await asked(server, said["access_token"])) == 0
    await server.engine.accounts.delete_key(EMAIL, "k1")
    assert status_of(await asked(server, said["access_token"])) == 16


async def test_an_access_token_changed_in_one_byte_is_refused(server: Guarded) -> None:
    assertion = self_signed(EMAIL, aud=f"{OWN_URL}/token", scope=CLOUD_PLATFORM)
    _, said = await traded(server, grant_type=JWT_BEARER, assertion=assertion)
    header, _, signature = said["access_token"].split(".")
    admin = b64({"iss": "tidegate", "sub": "user:admin@example.com", "src": "", **hour()})
    assert status_of(await asked(server, f"{header}.{admin}.{signature}")) == 16
    signed_by_account = signed(
        {"iss": "tidegate", "sub": "user:admin@example.com", "src": "", **hour()}, KEY, typ="at+jwt"
    )
    assert status_of(await asked(server, signed_by_account)) == 16


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "unsupported_grant_type"),
        ({"grant_type": "password", "assertion": "x"}, "unsupported_grant_type"),
        ({"grant_type": JWT_BEARER}, "invalid_grant"),
        ({"grant_type": JWT_BEARER, "assertion": "x.y.z"}, "invalid_grant"),
        ({"grant_type": JWT_BEARER, "assertion": self_signed(EMAIL, scope=CLOUD_PLATFORM)}, "invalid_grant"),
        ({"grant_type": JWT_BEARER, "assertion": self_signed(EMAIL, aud=f"{OWN_URL}/token")}, "invalid_scope"),
        (
            {"grant_type": JWT_BEARER, "assertion": self_signed("x@shop.iam.gserviceaccount.com", scope="s")},
            "invalid_grant",
        ),
    ],
)
async def test_what_cannot_be_traded_is_refused_in_oauth_s_words(
    server: Guarded, form: dict[str, str], error: str
) -> None:
    status, said = await traded(server, **form)
    assert (status, said["error"], set(said)) == (400, error, {"error", "error_description"})


async def test_an_id_token_is_traded_too_and_the_api_refuses_it(server: Guarded) -> None:
    audience = "https://cloudtasks.googleapis.com/"
    assertion = self_signed(EMAIL, aud=f"{OWN_URL}/token", target_audience=audience)
    status, said = await traded(server, grant_type=JWT_BEARER, assertion=assertion)
    assert (status, set(said)) == (200, {"id_token"})
    assert status_of(await asked(server, said["id_token"])) == 16


async def test_the_id_token_of_a_task_shows_nothing_of_who_calls(server: Guarded) -> None:
    audience = "https://cloudtasks.googleapis.com/"
    for email in ("admin@example.com", EMAIL):
        assert status_of(await asked(server, await server._id_token(email, audience))) == 16
        claims = {"iss": EMAIL, "sub": EMAIL, "email": email, "aud": audience, **hour()}
        assert status_of(await asked(server, signed(claims, OTHER_KEY))) == 16


async def test_the_token_endpoint_takes_so_many_calls_a_second_of_an_address(server: Guarded) -> None:
    statuses = [(await traded(server))[0] for _ in range(22)]
    assert statuses == [400] * 20 + [429] * 2
    server.clock.advance(seconds=1)
    assert (await traded(server))[0] == 400
