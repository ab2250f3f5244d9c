"""google-auth against stand-ins for Google's servers, on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google.auth.iam
import google.auth.jwt
import grpc
import pytest
from joserfc import jwt as jose
from joserfc.jwk import RSAKey
from tests.cli.serving import served

from tidegate.delivery.token_sources import GoogleSource
from tidegate.engine.ports.world import MintError
from tidegate.operator_errors import OperatorError
from tidegate.schema import v2

EMAIL = "source@project.iam.gserviceaccount.com"
OTHER = "worker@project.iam.gserviceaccount.com"
KEY = RSAKey.generate_key(2048)


def signed(audience: str) -> str:
    """What Google's answer to a wish for an ID token holds."""
    expires = int((datetime.now(UTC) + timedelta(hours=1)).timestamp())
    return jose.encode({"alg": "RS256"}, {"aud": audience, "exp": expires, "iat": expires - 3600}, KEY, ["RS256"])


class Google(BaseHTTPRequestHandler):
    """The token endpoint, the IAM credentials API and the metadata server in one."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = urlsplit(self.path).path
        if path == "/token":
            assertion = google.auth.jwt.decode(parse_qs(body.decode())["assertion"][0], verify=False)
            if "target_audience" in assertion:
                self.say({"id_token": signed(assertion["target_audience"])})
            else:
                self.say({"access_token": f"{assertion['iss']} {assertion['scope']}", "expires_in": 3600})
        elif path.endswith(f"{OTHER}:generateAccessToken"):
            expires = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            self.say({"accessToken": f"{OTHER} {json.loads(body)['scope'][0]}", "expireTime": expires})
        elif path.endswith(f"{OTHER}:generateIdToken"):
            self.say({"token": signed(json.loads(body)["audience"])})
        else:
            self.send_error(404)

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        account = "/computeMetadata/v1/instance/service-accounts/"
        if url.path in {f"{account}default/", f"{account}{EMAIL}/"}:
            self.say({"email": EMAIL, "scopes": [], "aliases": ["default"]})
        elif url.path in {f"{account}default/token", f"{account}{EMAIL}/token"}:
            scopes = parse_qs(url.query).get("scopes", ["none"])[0]
            self.say({"access_token": f"{EMAIL} {scopes}", "expires_in": 3600})
        elif url.path == f"{account}default/identity":
            self.say(signed(parse_qs(url.query)["audience"][0]))
        elif url.path.endswith("universe-domain"):
            self.say("googleapis.com")
        else:
            self.send_error(404)

    def say(self, answer: Any) -> None:
        data = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def google_at() -> Iterator[str]:
    """Where the stand-in listens."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Google) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def source(google_at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GoogleSource:
    for name in ("_IAM_ENDPOINT", "_IAM_IDTOKEN_ENDPOINT"):
        there = getattr(google.auth.iam, name).replace("https://iamcredentials.googleapis.com", f"http://{google_at}")
        monkeypatch.setattr(google.auth.iam, name, there)
    return GoogleSource(key_file(tmp_path, google_at))


def key_file(directory: Path, google_at: str) -> Path:
    """A service account's, whose tokens come from there."""
    path = directory / "key.json"
    key = {
        "type": "service_account",
        "client_email": EMAIL,
        "private_key": KEY.as_pem(private=True).decode(),
        "token_uri": f"http://{google_at}/token",
    }
    path.write_text(json.dumps(key))
    return path


def lives_an_hour(expires: datetime) -> bool:
    return timedelta(minutes=59) < expires - datetime.now(UTC) <= timedelta(minutes=61)


async def test_a_key_file_gives_tokens_of_its_account(source: GoogleSource) -> None:
    access = await source.access_token(EMAIL, "scope")
    assert access.token == f"{EMAIL} scope"
    assert lives_an_hour(access.expires)
    identity = await source.id_token(EMAIL, "audience")
    assert google.auth.jwt.decode(identity.token, verify=False)["aud"] == "audience"
    assert lives_an_hour(identity.expires)


async def test_a_key_file_gives_tokens_of_other_accounts_in_their_name(source: GoogleSource) -> None:
    assert (await source.access_token(OTHER, "scope")).token == f"{OTHER} scope"
    identity = await source.id_token(OTHER, "audience")
    assert google.auth.jwt.decode(identity.token, verify=False)["aud"] == "audience"


async def test_an_account_that_google_refuses_is_a_mint_error(source: GoogleSource) -> None:
    with pytest.raises(MintError, match="the token source gave none: RefreshError"):
        await source.access_token("nobody@project.iam.gserviceaccount.com", "scope")


async def test_a_key_file_that_is_gone_meanwhile_is_a_mint_error(source: GoogleSource, tmp_path: Path) -> None:
    (tmp_path / "key.json").unlink()
    with pytest.raises(MintError, match="FileNotFoundError"):
        await source.access_token(EMAIL, "scope")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"type": "authorized_user"}', '{"client_email": 1}', "\xff"])
def test_a_file_that_is_no_key_file_makes_no_source(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(
        OperatorError, match=r"key\.json is not the key file of a service account: JSON with client_email"
    ):
        GoogleSource(path)


METADATA_SCRIPT = """
import asyncio, sys
from tidegate.delivery.token_sources import GoogleSource
assert not any(name.startswith("google.auth") for name in sys.modules), "google-auth came before it was needed"
async def main():
    source = GoogleSource()
    print((await source.access_token(sys.argv[1], "scope")).token)
    print((await source.id_token(sys.argv[1], "audience")).token)
asyncio.run(main())
"""


def test_the_metadata_server_gives_tokens_of_its_account(google_at: str) -> None:
    """In a process of its own: google-auth reads where the metadata server is once, when it is imported."""
    done = subprocess.run(
        [sys.executable, "-c", METADATA_SCRIPT, EMAIL],
        env=os.environ | {"GCE_METADATA_HOST": google_at, "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    access, identity = done.stdout.splitlines()
    assert access == f"{EMAIL} scope"
    assert google.auth.jwt.decode(identity, verify=False)["aud"] == "audience"


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[tuple[GoogleSource, socket.socket]]:
    """A source whose server takes connections and says nothing, and where it listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        host, port = listener.getsockname()
        yield GoogleSource(key_file(tmp_path, f"{host}:{port}")), listener


async def test_a_silent_source_is_a_mint_error(
    silent: tuple[GoogleSource, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidegate.delivery.token_sources.REQUEST_MAX", 0.05)
    with pytest.raises(MintError, match="the token source gave none: TransportError"):
        await silent[0].access_token(EMAIL, "scope")


def test_the_end_does_not_wait_for_a_silent_source(silent: tuple[GoogleSource, socket.socket]) -> None:
    source, listener = silent

    async def ask_and_leave() -> socket.socket:
        asking = asyncio.create_task(source.access_token(EMAIL, "scope"))
        connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        asking.cancel()
        return connection

    with asyncio.run(ask_and_leave()):
        (still_asking,) = [each for each in threading.enumerate() if each.name == "token"]
        assert still_asking.daemon
    still_asking.join()  # hung up on


class Handler(BaseHTTPRequestHandler):
    """A task's handler that puts down who called."""

    callers: SimpleQueue[str] = SimpleQueue()

    def do_POST(self) -> None:
        self.callers.put(self.headers["Authorization"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def test_handlers_get_id_tokens_of_the_source_if_the_settings_say_so(google_at: str, tmp_path: Path) -> None:
    queue = "projects/p/locations/l/queues/q"
    own = ("--store", "sqlite://:memory:", "--queue", queue, "--token-source", str(key_file(tmp_path, google_at)))
    with HTTPServer(("127.0.0.1", 0), Handler) as handler:
        url = f"http://127.0.0.1:{handler.server_port}/"
        target = {"url": url, "oidc_token": {"service_account_email": EMAIL}}
        row = v2.CloudTasks.create_task
        request = row.request_pb(parent=queue, task={"http_request": target})
        with (
            served(*own, "--id-tokens", "source", directory=tmp_path) as address,
            grpc.insecure_channel(address) as channel,
        ):
            create: Any = channel.unary_unary(row.grpc_path, request_serializer=lambda sent: sent.SerializeToString())
            create(request, timeout=10)
            handler.handle_request()
    scheme, _, token = Handler.callers.get_nowait().partition(" ")
    assert scheme == "Bearer"
    assert jose.decode(token, KEY, ["RS256"]).claims["aud"] == url
