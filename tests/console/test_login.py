"""The console where access control is on: who is not logged in sees nothing, others what they may."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from tests.cli.serving import served

from tidegate.console.sessions import LIVES, SESSIONS_MAX, Sessions

QUEUE = "projects/demo/locations/here/queues/mail"
ADMIN, NOBODY = "the admin's token", "a token that may do nothing"


def line(member: str, token: str) -> str:
    return f"{member} sha256:{sha256(token.encode()).hexdigest()}\n"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("access")
    tokens = folder / "tokens"
    tokens.write_text(line("user:ana@example.com", ADMIN) + line("user:eve@example.com", NOBODY))
    tokens.chmod(0o600)
    flags = ("--store", "sqlite://:memory:", "--queue", QUEUE, "--access", "--admin", "user:ana@example.com")
    with served(*flags, "--tokens", str(tokens), directory=folder) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{address}/console/", timeout=60) as client:
        yield client


def post(client: httpx.Client, page: str, path: str, **fields: str) -> httpx.Response:
    """Send a form with the token of a page."""
    token = client.get(page).text.partition('name="token" value="')[2].partition('"')[0]
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    return client.post(path, content=urlencode({"token": token, **fields}), headers=headers)


@pytest.mark.parametrize("path", ["queues", QUEUE, f"{QUEUE}/tasks/t", "server", "activity", "queues/new"])
def test_who_is_not_logged_in_is_led_to_the_login(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("login")


def test_who_is_not_logged_in_hears_nothing_and_changes_nothing(client: httpx.Client) -> None:
    assert client.get("live").status_code == 401
    assert post(client, "login", f"{QUEUE}/pause").status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", "x" * 20_000, "a\nb", "é"])
def test_a_wrong_token_does_not_log_in(client: httpx.Client, token: str) -> None:
    answer = post(client, "login", "login", credential=token)
    assert answer.status_code == 400
    assert "set-cookie" not in answer.headers
    assert client.get("queues").status_code == 303


def test_a_token_logs_in_until_the_logout(client: httpx.Client) -> None:
    answer = post(client, "login", "login", credential=ADMIN)
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert ADMIN not in cookie
    page = client.get(QUEUE)
    assert page.status_code == 200
    assert "Log out" in page.text
    assert ADMIN not in page.text
    assert post(client, QUEUE, f"{QUEUE}/pause").status_code == 303
    assert post(client, QUEUE, f"{QUEUE}/resume").status_code == 303
    kept = client.cookies["tidegate_session"]
    assert post(client, QUEUE, "logout").status_code == 303
    assert client.get(QUEUE, headers={"Cookie": f"tidegate_session={kept}"}).status_code == 303


def test_who_may_nothing_is_refused_by_the_server(client: httpx.Client) -> None:
    assert post(client, "login", "login", credential=NOBODY).status_code == 303
    assert client.get("queues").status_code == 403
    assert client.get(QUEUE).status_code == 403
    assert post(client, "login", f"{QUEUE}/pause").status_code == 403


def test_a_form_of_another_session_is_refused(client: httpx.Client) -> None:
    token = client.get("login").text.partition('name="token" value="')[2].partition('"')[0]
    post(client, "login", "login", credential=ADMIN)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
    answer = client.post(f"{QUEUE}/pause", content=urlencode({"token": token}), headers=headers)
    assert answer.status_code == 403


def test_sessions_end_after_half_a_day_and_the_oldest_make_room() -> None:
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    first = sessions.begin("a")
    assert sessions.credential(first) == "a"
    now[0] = LIVES.total_seconds()
    assert sessions.credential(first) is None
    numbers = [sessions.begin(str(number)) for number in range(SESSIONS_MAX + 1)]
    assert sessions.credential(numbers[0]) is None
    assert sessions.credential(numbers[1]) == "1"
    assert len(set(numbers)) == SESSIONS_MAX + 1
