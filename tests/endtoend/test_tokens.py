"""Tokens from end to end: a handler verifies what an attempt brings with the keys that the server publishes."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.request import urlopen

import pytest
from google.auth.transport.requests import Request
from google.oauth2 import id_token
from joserfc import jwt
from joserfc.jwk import KeySet
from jwt.exceptions import InvalidAudienceError
from tests.endtoend.calls import create_queue, create_task, queue_name
from tests.endtoend.client import GoogleClient
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually

ROBOT = "robot@p.iam.gserviceaccount.com"


def published(server: Server) -> Any:
    """The discovery document, as any verifier finds it from the issuer's name."""
    with urlopen(f"http://{server.address}/.well-known/openid-configuration") as answer:
        return json.load(answer)


def delivered(client: GoogleClient, handler: Handler, queue: str, **http: Any) -> str:
    """The token that the one attempt of a new task brought."""
    request = {"url": handler.url("200", "/work?n=1"), **http}
    answer = client.call("create_task", parent=queue_name(queue), task={"http_request": request})
    task = answer["name"].rsplit("/", 1)[1]
    eventually("it arrives", lambda: handler.delivered(queue, task))
    (arrival,) = handler.arrivals(queue, task)
    (authorization,) = [value for name, value in arrival.headers if name.lower() == "authorization"]
    kind, _, token = authorization.partition(" ")
    assert kind == "Bearer"
    return token


@pytest.fixture(scope="module")
def queue(client: GoogleClient) -> str:
    create_queue(client, "signed")
    return "signed"


def test_googles_verifier_accepts_the_token_with_the_servers_keys(
    client: GoogleClient, handler: Handler, server: Server, queue: str
) -> None:
    oidc = {"service_account_email": ROBOT, "audience": "https://me.test"}
    token = delivered(client, handler, queue, oidc_token=oidc, headers={"Authorization": "Basic mine"})
    keys = published(server)["jwks_uri"]
    claims = id_token.verify_token(token, Request(), "https://me.test", certs_url=keys)
    assert claims["iss"] == published(server)["issuer"] == f"http://{server.address}"
    assert (claims["email"], claims["email_verified"]) == (ROBOT, True)
    assert claims["exp"] - claims["iat"] == 3600
    with pytest.raises(InvalidAudienceError):
        id_token.verify_token(token, Request(), "https://somebody-else.test", certs_url=keys)


def test_another_verifier_accepts_it_too_and_nothing_forged(
    client: GoogleClient, handler: Handler, server: Server, queue: str
) -> None:
    token = delivered(client, handler, queue, oidc_token={"service_account_email": ROBOT})
    with urlopen(published(server)["jwks_uri"]) as answer:
        keys = KeySet.import_key_set(json.load(answer))
    decoded = jwt.decode(token, keys, ["RS256"])
    assert decoded.claims["aud"] == handler.url("200", "/work?n=1")  # by default the task's own URL
    assert set(decoded.header) == {"alg", "kid", "typ"}
    head, body, signature = token.split(".")
    forged = json.loads(base64.urlsafe_b64decode(body + "==")) | {"email": "admin@p.test"}
    body = base64.urlsafe_b64encode(json.dumps(forged).encode()).decode().rstrip("=")
    with pytest.raises(Exception, match="bad_signature"):
        jwt.decode(f"{head}.{body}.{signature}", keys, ["RS256"])


def test_the_queues_token_reaches_tasks_that_wait_with_the_audience_before_routing(
    client: GoogleClient, handler: Handler, server: Server
) -> None:
    create_queue(client, "resigned")
    client.call("pause_queue", name=queue_name("resigned"))
    task = create_task(client, "resigned", "http://old.test/200?a=1")
    override = {"host": "127.0.0.1", "port": handler.port}
    target = {"uri_override": override, "oidc_token": {"service_account_email": ROBOT}}
    changed = {"name": queue_name("resigned"), "http_target": target}
    client.call("update_queue", queue=changed, update_mask="httpTarget")
    client.call("resume_queue", name=queue_name("resigned"))
    eventually("it arrives", lambda: handler.delivered("resigned", task))
    (arrival,) = handler.arrivals("resigned", task)
    token = (arrival.header("Authorization") or "").removeprefix("Bearer ")
    certificates = published(server)["jwks_uri"]
    claims = id_token.verify_token(token, Request(), "http://old.test/200?a=1", certs_url=certificates)
    assert claims["email"] == ROBOT
