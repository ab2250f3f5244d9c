"""What gcloud 578 and Terraform's google provider 7 (August 2026) ask when they administer access, as it was recorded:
``google_tools.jsonl`` has their requests in order, with names and etags of answers in braces.
"""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from tests.access.world import ADMIN, PROJECT, QUEUE, Guarded, status_of

EMAIL = "mailer@shop.iam.gserviceaccount.com"
ACCOUNT = f"/v1/{PROJECT}/serviceAccounts/{EMAIL}"
REQUESTS = [json.loads(line) for line in Path(__file__).with_name("google_tools.jsonl").read_text().splitlines()]


def filled(value: Any, known: dict[str, str]) -> Any:
    """A copy with what is known in place of what stands in braces."""
    if isinstance(value, dict):
        return {key: filled(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, known) for item in value]
    for name, text in known.items():
        if isinstance(value, str):
            value = value.replace(f"{{{name}}}", text)
    return value


class Session:
    """A tool at work: it remembers the key that was made, and the etag that it was last told."""

    def __init__(self, server: Guarded, token: str) -> None:
        self._server = server
        self._token = token
        self.known = {"account": ACCOUNT, "email": EMAIL, "queue": QUEUE}

    async def ask(self, request: dict[str, Any]) -> Any:
        body = request.get("body")
        answer = await self._server.http(
            request["verb"],
            filled(request["path"], self.known),
            b"" if body is None else filled(body, self.known),
            self._token,
            query=request["query"],
        )
        assert status_of(answer) == 0, (request, answer.body)
        said = json.loads(answer.body)
        self.known |= {"etag": said["etag"]} if "etag" in said else {}
        self.known |= {"key": said["name"].rpartition("/")[2]} if "privateKeyData" in said else {}
        return said


@pytest.mark.parametrize("tool", ["gcloud", "terraform"])
async def test_a_tool_is_answered_from_the_first_account_to_the_last(tool: str) -> None:
    server = await Guarded().start()
    session = Session(server, server.token(ADMIN))
    for request in REQUESTS:
        if request["tool"] == tool:
            await session.ask(request)
    answer = await server.http("GET", ACCOUNT, token=ADMIN, query="alt=json")
    assert answer.http_status == 404


async def test_a_key_s_file_is_whole_and_its_public_half_is_shown() -> None:
    server = await Guarded().start()
    session = Session(server, server.token(ADMIN))
    for request in REQUESTS:
        if request["tool"] == "terraform" and request["path"].endswith("/keys"):
            made = await session.ask(request)
            break
        if request["tool"] == "terraform":
            await session.ask(request)
    file = json.loads(b64decode(made["privateKeyData"]))
    assert (file["type"], file["client_email"], file["private_key_id"]) == (
        "service_account",
        EMAIL,
        session.known["key"],
    )
    assert (made["keyAlgorithm"], made["privateKeyType"]) == ("KEY_ALG_RSA_2048", "TYPE_GOOGLE_CREDENTIALS_FILE")
    shown = await session.ask({"verb": "GET", "path": "{account}/keys/{key}", "query": "alt=json"})
    assert b"BEGIN PUBLIC KEY" in b64decode(shown["publicKeyData"])
    assert "privateKeyData" not in shown


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"serviceAccount": {"displayName": "x", "etag": "AAAA"}, "updateMask": "displayName"}, 409),
        ({"serviceAccount": {"displayName": "x" * 101}, "updateMask": "displayName"}, 400),
        ({"serviceAccount": {"disabled": True}, "updateMask": "disabled"}, 400),
        ({"serviceAccount": {"description": "only this"}}, 200),
    ],
)
async def test_a_change_of_an_account_is_checked(body: dict[str, Any], status: int) -> None:
    server = await Guarded().start()
    session = Session(server, server.token(ADMIN))
    made = {"accountId": "mailer", "serviceAccount": {"displayName": "Mailer"}}
    await session.ask({"verb": "POST", "path": f"/v1/{PROJECT}/serviceAccounts", "query": "", "body": made})
    assert (await server.http("PATCH", ACCOUNT, body, ADMIN)).http_status == status
    assert (await session.ask({"verb": "GET", "path": ACCOUNT, "query": ""}))["displayName"] == "Mailer"


async def test_an_account_that_is_not_there_cannot_be_changed() -> None:
    server = await Guarded().start()
    body = {"serviceAccount": {"displayName": "x"}, "updateMask": "displayName"}
    assert (await server.http("PATCH", ACCOUNT, body, server.token(ADMIN))).http_status == 404
