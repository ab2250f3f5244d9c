"""ID tokens of tasks, verified by those who receive them."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

from tidegate import http_task
from tidegate.handlers import Keys, TokenError, verify
from tidegate.testing import Tidegate

ISSUER = "https://tasks.test"
AUDIENCE = "https://shop.test/work"
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


class Issuer:
    """Documents of an issuer, and how often they were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.jwks_uri = f"{ISSUER}/certs"

    def fetch(self, url: str) -> bytes:
        self.asked.append(url)
        if url.endswith("/.well-known/openid-configuration"):
            return json.dumps({"issuer": ISSUER, "jwks_uri": self.jwks_uri}).encode()
        return json.dumps(KeySet([KEY]).as_dict(private=False)).encode()


def signed(key: Any = KEY, header: dict[str, Any] | None = None, **claims: Any) -> dict[str, str]:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": AUDIENCE, "email": "a@b.test", "email_verified": True, "iat": now, "exp": now + 3600}
    said |= claims
    token = jwt.encode(header or {"alg": "RS256", "kid": "one"}, {k: v for k, v in said.items() if v is not None}, key)
    return {"Authorization": f"Bearer {token}"}


def check(headers: dict[str, str], **wanted: Any) -> Any:
    keys = Keys(Issuer().fetch)
    return verify(headers, **{"audience": AUDIENCE, "issuers": [ISSUER], "keys": keys, **wanted})


def test_a_token_of_the_issuer_says_who_created_the_task() -> None:
    claims = check(signed(), email="a@b.test")
    assert (claims.email, claims.audience, claims.issuer) == ("a@b.test", AUDIENCE, ISSUER)


def test_wsgi_and_django_spell_the_header_otherwise() -> None:
    token = signed()["Authorization"]
    assert check({"HTTP_AUTHORIZATION": token}).email == "a@b.test"


def unsigned() -> dict[str, str]:
    parts = [json.dumps(part).encode() for part in ({"alg": "none", "kid": "one"}, {"iss": ISSUER, "aud": AUDIENCE})]
    text = ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    return {"Authorization": f"Bearer {text}."}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic x"},
        {"Authorization": "Bearer x"},
        {"Authorization": "Bearer a.b.c"},
        {"Authorization": "Bearer " + "x" * 20_000},
        {"Authorization": "Bearer " + base64.urlsafe_b64encode(b"[" * 9000).decode() + ".e30.x"},
        unsigned(),
        signed(OTHER),
        signed(iss="https://other.test"),
        signed(aud="https://other.test"),
        signed(exp=int(time.time()) - 3600),
        signed(exp=None),
        signed(nbf=int(time.time()) + 3600),
    ],
)
def test_whatever_else_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(TokenError):
        check(headers)


def test_another_account_is_refused_where_one_is_named() -> None:
    with pytest.raises(TokenError, match=r"not of c@d\.test"):
        check(signed(), email="c@d.test")
    with pytest.raises(TokenError):
        check(signed(email_verified=False), email="a@b.test")


def test_keys_are_fetched_once_and_not_for_every_unknown_one() -> None:
    issuer = Issuer()
    keys = Keys(issuer.fetch)
    for _ in range(3):
        check(signed(), keys=keys)
    with pytest.raises(TokenError):
        check(signed(header={"alg": "RS256", "kid": "two"}), keys=keys)
    assert len(issuer.asked) == 2


def test_keys_on_another_host_are_not_believed() -> None:
    issuer = Issuer()
    issuer.jwks_uri = "https://evil.test/certs"
    with pytest.raises(TokenError, match="another host"):
        check(signed(), keys=Keys(issuer.fetch))


def test_the_token_that_a_server_sends_is_verified_with_the_servers_keys(tidegate: Tidegate) -> None:
    tidegate.responds(200)
    queue = tidegate.queue()
    with tidegate.client() as client:
        task = http_task("https://shop.test/work", service_account="a@b.test", audience=AUDIENCE)
        client.create_task(parent=queue.name, task=task)
    tidegate.run()
    claims = verify(tidegate.requests[0].headers, audience=AUDIENCE, issuers=[tidegate.url], email="a@b.test")
    assert claims.issuer == tidegate.url
