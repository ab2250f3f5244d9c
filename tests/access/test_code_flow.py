"""The authorization code flow against an issuer of our own: only the login that was begun here is ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.access.web_issuer import CLIENT, KEY, OTHER_KEY, SECRET, Issuer, issuing
from tests.access.world import HandClock

from tidegate.servers.authentication.code_flow import LASTS, TRIES_MAX, TRIES_SPAN, CodeFlow, LoginError
from tidegate.servers.authentication.issuers import Issuer as Trusted
from tidegate.settings.access import IssuerSetup

BACK = "http://127.0.0.1:8123/console/callback"
ADDRESS = "127.0.0.1"


@pytest.fixture(scope="module")
def shared() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def issuer(shared: Issuer) -> Issuer:
    shared.claims, shared.header, shared.about, shared.error, shared.key = {}, {}, {}, "", KEY
    shared.redeemed.clear()
    return shared


@pytest.fixture
def clock(shared: Issuer) -> HandClock:
    clock = HandClock()
    shared.now = lambda: clock.now().timestamp()
    return clock


@pytest.fixture
def flow(shared: Issuer, clock: HandClock, tmp_path: Any) -> Callable[..., CodeFlow]:
    """Makes a flow in which the issuer is known as sso."""
    (tmp_path / "secret").write_text(SECRET + "\n")

    def make(**changes: Any) -> CodeFlow:
        setup = {"client_id": CLIENT, "client_secret_file": str(tmp_path / "secret"), "audience": ("elsewhere",)}
        return CodeFlow([Trusted(IssuerSetup(name="sso", url=shared.url, **{**setup, **changes}), clock, ())], clock)

    return make


async def begin(flow: CodeFlow) -> tuple[str, dict[str, str]]:
    """The cookie, and what the issuer is asked."""
    cookie, url = await flow.begin("sso", BACK, ADDRESS)
    return cookie, {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def brought(back: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}


async def whole(flow: CodeFlow, issuer: Issuer, **changes: str) -> str:
    """Who is logged in after a whole login; ``changes`` go over what the issuer sends back."""
    cookie, asked = await begin(flow)
    return (await flow.finish(cookie, brought(issuer.answer(asked)) | changes, BACK, ADDRESS)).member


async def test_whom_the_issuer_knows_is_logged_in(flow: Callable[..., CodeFlow], issuer: Issuer) -> None:
    assert await whole(flow(), issuer) == "principal://sso/ana"
    [form] = issuer.redeemed
    assert len(form["code_verifier"]) == 43
    assert SECRET not in form.values()


async def test_a_client_shows_its_secret_as_the_issuer_takes_it(flow: Callable[..., CodeFlow], issuer: Issuer) -> None:
    issuer.about = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert await whole(flow(), issuer) == "principal://sso/ana"
    assert (issuer.redeemed[0]["client_id"], issuer.redeemed[0]["client_secret"]) == (CLIENT, SECRET)


async def test_a_client_without_a_secret_names_itself(flow: Callable[..., CodeFlow], issuer: Issuer) -> None:
    issuer.public = True
    try:
        assert await whole(flow(client_secret_file=None), issuer) == "principal://sso/ana"
    finally:
        issuer.public = False
    assert "client_secret" not in issuer.redeemed[0]


async def test_no_part_of_a_login_can_be_told_from_its_cookie(flow: Callable[..., CodeFlow], issuer: Issuer) -> None:
    one, (cookie, asked) = flow(), ("", {"state": "", "nonce": ""})
    for _ in range(2):
        before = asked
        cookie, asked = await begin(one)
        assert before["state"] != asked["state"] != asked["nonce"] != before["nonce"]
        assert asked["state"] not in cookie
        assert asked["nonce"] not in cookie
    assert (await begin(flow()))[1]["state"] != asked["state"]


@pytest.mark.parametrize(
    ("changes", "redeemed"),
    [
        ({"state": "x"}, 0),
        ({"state": ""}, 0),
        ({"state": "é"}, 0),
        ({"iss": "http://other.test"}, 0),
        ({"code": "x"}, 1),
    ],
    ids=["state", "no state", "odd state", "issuer", "code"],
)
async def test_an_answer_that_is_not_to_this_login_logs_nobody_in(
    flow: Callable[..., CodeFlow], issuer: Issuer, changes: dict[str, str], redeemed: int
) -> None:
    with pytest.raises(LoginError):
        await whole(flow(), issuer, **changes)
    assert len(issuer.redeemed) == redeemed


async def test_a_login_ends_in_the_browser_in_which_it_began(flow: Callable[..., CodeFlow], issuer: Issuer) -> None:
    one = flow()
    _, asked = await begin(one)
    others, _ = await begin(one)
    back = brought(issuer.answer(asked))
    for cookie in ("", "sso", "sso!0!x", "other!0!x", others, others.replace("sso", "other")):
        with pytest.raises(LoginError, match="not begun in this browser"):
            await one.finish(cookie, back, BACK, ADDRESS)
    assert issuer.redeemed == []


async def test_an_answer_works_once_and_not_for_long(
    flow: Callable[..., CodeFlow], issuer: Issuer, clock: HandClock
) -> None:
    one = flow()
    cookie, asked = await begin(one)
    back = brought(issuer.answer(asked))
    await one.finish(cookie, back, BACK, ADDRESS)
    with pytest.raises(LoginError):
        await one.finish(cookie, back, BACK, ADDRESS)
    cookie, asked = await begin(one)
    back = brought(issuer.answer(asked))
    clock.advance(seconds=LASTS + 1)
    with pytest.raises(LoginError, match="longer than ten minutes"):
        await one.finish(cookie, back, BACK, ADDRESS)


async def test_another_place_to_come_back_to_is_refused_by_the_issuer(
    flow: Callable[..., CodeFlow], issuer: Issuer
) -> None:
    one = flow()
    cookie, asked = await begin(one)
    with pytest.raises(LoginError):
        await one.finish(cookie, brought(issuer.answer(asked)), "http://evil.example/console/callback", ADDRESS)


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "of another login"},
        {"nonce": None},
        {"nonce": "é"},
        {"aud": "another client"},
        {"aud": "elsewhere"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"iss": "http://other.test"},
        {"exp": 1},
        {"exp": None},
        {"iat": 2**40, "exp": 2**40 + 60},
        {"sub": None},
        {"sub": "a\nb"},
    ],
    ids=lambda claims: " ".join(f"{name}={value!r}" for name, value in claims.items()),
)
async def test_a_token_that_is_not_of_this_login_logs_nobody_in(
    flow: Callable[..., CodeFlow], issuer: Issuer, claims: dict[str, Any]
) -> None:
    issuer.claims = claims
    with pytest.raises(LoginError, match="What sso said of you was not taken"):
        await whole(flow(), issuer)


@pytest.mark.parametrize("header", [{"typ": "at+jwt"}, {"alg": "PS256"}, {"kid": "another"}, {"crit": ["x"], "x": 1}])
async def test_a_token_of_another_kind_logs_nobody_in(
    flow: Callable[..., CodeFlow], issuer: Issuer, header: dict[str, Any]
) -> None:
    issuer.header = header
    with pytest.raises(LoginError):
        await whole(flow(), issuer)


async def test_a_token_by_another_key_logs_nobody_in(flow: Callable[..., CodeFlow], issuer: Issuer) -> None:
    issuer.key = OTHER_KEY
    with pytest.raises(LoginError):
        await whole(flow(), issuer)


async def test_several_audiences_need_the_authorized_one(flow: Callable[..., CodeFlow], issuer: Issuer) -> None:
    issuer.claims = {"aud": [CLIENT, "another"], "azp": CLIENT}
    assert await whole(flow(), issuer) == "principal://sso/ana"


async def test_what_the_issuer_says_instead_is_passed_on(flow: Callable[..., CodeFlow], issuer: Issuer) -> None:
    issuer.error = "access_denied"
    with pytest.raises(LoginError, match="sso did not log you in: access_denied"):
        await whole(flow(), issuer)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "//evil.example", None, 7])
async def test_an_issuer_sends_nobody_where_no_page_is(
    flow: Callable[..., CodeFlow], issuer: Issuer, url: object
) -> None:
    issuer.about = {"authorization_endpoint": url}
    with pytest.raises(LoginError):
        await flow().begin("sso", BACK, ADDRESS)


async def test_groups_and_email_are_asked_for_where_the_issuer_has_them(
    flow: Callable[..., CodeFlow], issuer: Issuer
) -> None:
    assert (await begin(flow()))[1]["scope"] == "openid email profile"
    issuer.about = {"scopes_supported": ["openid", "email", "groups"]}
    assert (await begin(flow()))[1]["scope"] == "openid email"
    assert (await begin(flow(groups="groups")))[1]["scope"] == "openid email groups"


async def test_an_address_has_so_many_tries(flow: Callable[..., CodeFlow], issuer: Issuer, clock: HandClock) -> None:
    one = flow()
    for _ in range(TRIES_MAX):
        await one.begin("sso", BACK, ADDRESS)
    with pytest.raises(LoginError, match="Too many logins"):
        await one.begin("sso", BACK, ADDRESS)
    await one.begin("sso", BACK, "127.0.0.2")
    clock.advance(seconds=TRIES_SPAN)
    await one.begin("sso", BACK, ADDRESS)


async def test_a_client_of_no_such_name_logs_nobody_in(flow: Callable[..., CodeFlow], issuer: Issuer) -> None:
    assert flow().names == ["sso"]
    assert flow(client_id=None, client_secret_file=None).names == []
    with pytest.raises(LoginError, match="no such issuer"):
        await flow().begin("other", BACK, ADDRESS)
