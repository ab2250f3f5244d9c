"""Logging in to the console at an issuer. ``tests/access/test_code_flow.py`` has what counts as a login at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from tests.access.web_issuer import CLIENT, SECRET, Issuer, issuing
from tests.cli.serving import refused, served
from tests.console.test_login import post

QUEUE = "projects/demo/locations/here/queues/mail"
ANA = "principal://sso/ana"


def settings(issuer: str, folder: Path, **more: Any) -> None:
    """The file of a server that trusts the issuer, and whose owner is Ana."""
    (folder / "secret").write_text(SECRET + "\n")
    fields = {"client_id": CLIENT, "client_secret_file": "secret", **more}
    lines = "\n".join(f"{name} = {value!r}" for name, value in fields.items())
    (folder / "tidegate.toml").write_text(
        f'access = true\nadmin = ["{ANA}"]\n[[issuer]]\nname = "sso"\nurl = "{issuer}"\n{lines}\n'
    )


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def address(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("sso")
    settings(issuer.url, folder)
    with served("--store", "sqlite://:memory:", "--queue", QUEUE, directory=folder) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{address}/console/", timeout=60) as client:
        yield client


def came_back(client: httpx.Client, issuer: Issuer) -> httpx.Response:
    """The answer to a whole login."""
    location = client.get("login?at=sso").headers["location"]
    asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    return client.get(issuer.answer(asked))


def test_the_login_offers_the_issuer_and_sends_the_browser_there(
    client: httpx.Client, issuer: Issuer, address: str
) -> None:
    assert 'href="./login?at=sso"' in client.get("login").text
    answer = client.get("login?at=sso")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{issuer.url}/authorize?response_type=code&")
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == [f"http://{address}/console/callback"]
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_who_the_issuer_knows_is_logged_in_until_the_logout(client: httpx.Client, issuer: Issuer) -> None:
    answer = came_back(client, issuer)
    assert answer.status_code == 200
    assert 'http-equiv="refresh" content="0;url=./queues"' in answer.text
    [session] = [each for each in answer.headers.get_list("set-cookie") if each.startswith("tidegate_session=")]
    assert "HttpOnly" in session
    assert "SameSite=Strict" in session
    assert "tidegate_login" not in client.cookies
    page = client.get(QUEUE, headers={"Authorization": "Bearer nonsense"})  # the session counts
    assert page.status_code == 200
    assert "Log out" in page.text
    assert ANA in client.get("server").text
    assert post(client, QUEUE, f"{QUEUE}/pause").status_code == 303
    kept = client.cookies["tidegate_session"]
    assert post(client, QUEUE, "logout").status_code == 303
    assert client.get(QUEUE, headers={"Cookie": f"tidegate_session={kept}"}).status_code == 303


def test_who_may_nothing_sees_nothing_and_can_log_out(client: httpx.Client, issuer: Issuer) -> None:
    issuer.claims = {"sub": "eve"}
    assert came_back(client, issuer).status_code == 200
    issuer.claims = {}
    page = client.get(QUEUE)
    assert page.status_code == 403
    assert "Log out" in page.text


def test_what_the_issuer_says_instead_is_shown_as_text(client: httpx.Client, issuer: Issuer) -> None:
    issuer.error = "<b>access_denied</b>"
    answer = came_back(client, issuer)
    issuer.error = ""
    assert answer.status_code == 400
    assert "sso did not log you in: &lt;b&gt;access_denied&lt;/b&gt;" in answer.text
    assert "tidegate_session" not in client.cookies


@pytest.mark.parametrize("path", ["login?at=nobody", "callback", "callback?state=%00&code=x", "callback?error=x"])
def test_strange_ways_in_are_answered_with_the_login(client: httpx.Client, path: str) -> None:
    answer = client.get(path, headers={"Cookie": "tidegate_login=sso!x!y"})
    assert answer.status_code == 400
    assert 'action="./login"' in answer.text


def test_behind_a_proxy_the_address_that_was_set_counts_and_cookies_are_for_tls(issuer: Issuer, tmp_path: Path) -> None:
    settings(issuer.url, tmp_path)
    flags = ("--store", "sqlite://:memory:", "--console-url", "https://tasks.example/x/console/")
    with served(*flags, directory=tmp_path) as address, httpx.Client(timeout=60) as client:
        client.base_url = httpx.URL(f"http://{address}/console/")
        answer = client.get("login?at=sso")
        asked = parse_qs(urlsplit(answer.headers["location"]).query)
        assert asked["redirect_uri"] == ["https://tasks.example/x/console/callback"]
        assert "Secure" in answer.headers["set-cookie"]
        assert "Secure" in post(client, "login", "logout").headers["set-cookie"]


def test_a_secret_that_cannot_be_read_does_not_start(tmp_path: Path) -> None:
    settings("http://127.0.0.1:9", tmp_path, client_secret_file="missing")
    said = refused("--store", "sqlite://:memory:", directory=tmp_path)
    assert "cannot read the client secret of issuer sso in missing" in said
