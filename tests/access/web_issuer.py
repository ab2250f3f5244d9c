"""An OpenID Connect issuer of the tests' own, over HTTP: a page with one button, then a code, then an ID token."""

from __future__ import annotations

import json
import threading
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "tidegate-console", "s3cret & more"
KEY = RSAKey.generate_key(2048)
OTHER_KEY = RSAKey.generate_key(2048)


class Issuer:
    """At ``url``. ``claims`` go over those of the next ID token, ``about`` over the discovery document, ``error`` is
    answered in place of a code. ``redeemed`` are the forms that brought codes. A ``public`` client has no secret.
    """

    def __init__(self, host: str) -> None:
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://{host}:{self.server.server_port}"
        self.claims: dict[str, Any] = {}
        self.header: dict[str, Any] = {}
        self.key = KEY
        self.about: dict[str, Any] = {}
        self.error = ""
        self.public = False
        self.redeemed: list[dict[str, str]] = []
        self.now: Callable[[], float] = time.time
        self._codes: dict[str, dict[str, str]] = {}

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.about,
        }

    def page(self, path: str, asked: dict[str, str]) -> tuple[int, str, str]:
        """Status, type and text of a page; of 302 where it leads."""
        if path == "/.well-known/openid-configuration":
            return 200, "application/json", json.dumps(self.discovery())
        if path == "/keys":
            return 200, "application/json", json.dumps({"keys": [KEY.as_dict(private=False) | {"kid": "k"}]})
        if path == "/authorize":  # who reads it is asked, as a person would be
            fields = "".join(f'<input type="hidden" name="{n}" value="{escape(v)}">' for n, v in asked.items())
            return 200, "text/html", f'<!doctype html><form action="/decided">{fields}<button>It is me</button></form>'
        return (302, "text/plain", self.answer(asked)) if path == "/decided" else (404, "text/plain", "")

    def answer(self, asked: dict[str, str]) -> str:
        """Where the browser goes back to, once somebody has pressed the button."""
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        if self.error:
            back = {"error": self.error, "state": asked["state"]}
        else:
            code = f"code-{len(self._codes)}"
            self._codes[code] = asked
            back = {"code": code, "state": asked["state"]}
        return f"{asked['redirect_uri']}?{urlencode(back)}"

    def redeem(self, form: dict[str, str], authorization: str) -> dict[str, str] | None:
        """The tokens for a code, which works once; None for what is not right."""
        self.redeemed.append(form)
        asked = self._codes.pop(form.get("code", ""), None)
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if asked is None or not self._knows(form, authorization) or challenge != asked["code_challenge"]:
            return None
        if form["redirect_uri"] != asked["redirect_uri"]:
            return None
        now = int(self.now())
        said = {"iss": self.url, "sub": "ana", "aud": CLIENT, "iat": now, "exp": now + 3600, "nonce": asked["nonce"]}
        header = {"alg": "RS256", "kid": "k", **self.header}
        return {"id_token": jwt.encode(header, said | self.claims, self.key), "access_token": "opaque"}

    def _knows(self, form: dict[str, str], authorization: str) -> bool:
        """Whether the client showed its secret as the discovery document says."""
        if self.public:
            return form.get("client_id") == CLIENT
        if "token_endpoint_auth_methods_supported" in self.about:
            return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)
        return authorization == f"Basic {b64encode(f'{CLIENT}:{quote_plus(SECRET)}'.encode()).decode()}"


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, kind, body = issuer.page(parts.path, _flat(parts.query))
            self._send(status, kind, body)

        def do_POST(self) -> None:
            form = _flat(self.rfile.read(int(self.headers["Content-Length"])).decode())
            found = issuer.redeem(form, self.headers.get("Authorization", "")) if self.path == "/token" else None
            said = {"error": "invalid_grant"} if found is None else found
            self._send(400 if found is None else 200, "application/json", json.dumps(said))

        def _send(self, status: int, kind: str, text: str) -> None:
            body = text.encode() if status != 302 else b""
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if status == 302:
                self.send_header("Location", text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _flat(text: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(text).items()}


@contextmanager
def issuing(host: str = "127.0.0.1") -> Iterator[Issuer]:
    """An issuer that is there until the block ends."""
    issuer = Issuer(host)
    thread = threading.Thread(target=issuer.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield issuer
    finally:
        issuer.server.shutdown()
        thread.join()
        issuer.server.server_close()
