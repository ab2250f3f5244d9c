"""A request as text: run by a shell and by Python it is the request again, and its secrets are masked."""

from __future__ import annotations

import ast
import json
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from shutil import which
from typing import Any

import pytest
from msgspec.structs import replace

from tidegate.core.queue import OidcToken
from tidegate.core.rendering import curl, har, http, python, shown
from tidegate.core.target import HttpCall

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CALL = HttpCall(
    "POST",
    "http://handler.test:8080/mail?to=a%20b",
    (("Content-Type", "application/json"), ("User-Agent", "Google-Cloud-Tasks"), ("X-Note", 'it\'s "so" $HOME `x`')),
    b'{"a": "it\'s"}',
    timedelta(seconds=30),
)
BODIES = [
    b"",
    b"plain",
    b'it\'s "quoted" $HOME `id` \\ %d\n\n',
    "grüße 🐙".encode(),
    bytes(range(256)),
    b"@file",
    b"\0",
]


class Answering(BaseHTTPRequestHandler):
    got: list[tuple[str, str, list[tuple[str, str]], bytes]]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.got.append((self.command, self.path, self.headers.items(), body))
        self.send_response(503)
        self.send_header("content-length", "0")
        self.end_headers()

    do_POST = do_GET = do_HEAD = do_PUT = do_DELETE = answer  # noqa: N815

    def log_message(self, *arguments: Any) -> None: ...


@pytest.fixture(scope="module")
def handler() -> Iterator[tuple[str, list[Any]]]:
    got: list[Any] = []
    kind = type("Kind", (Answering,), {"got": got})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", got
        server.shutdown()
        thread.join()


def sent_by(command: list[str], got: list[Any], text: str) -> Any:
    got.clear()
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert len(got) == 1, done
    return got[0]


def compared(sent: Any, call: HttpCall) -> None:
    method, path, headers, body = sent
    assert (method, path, body) == (call.method, call.url.split("/", 3)[-1].join(["/", ""]), call.body)
    for name, value in call.headers:
        assert (name.lower(), value) in [(each.lower(), has) for each, has in headers]


@pytest.mark.skipif(which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("body", BODIES)
def test_a_shell_runs_the_curl_line(handler: tuple[str, list[Any]], body: bytes) -> None:
    url, got = handler
    call = replace(CALL, url=f"{url}/mail?to=a%20b&x=[1]", body=body)
    sent = sent_by(["/bin/sh"], got, curl(shown(call)))
    compared(sent, call)
    names = {name.lower() for name, _ in sent[2]}
    assert "accept" not in names


@pytest.mark.parametrize("body", BODIES)
def test_python_runs_the_program(handler: tuple[str, list[Any]], body: bytes) -> None:
    url, got = handler
    call = replace(CALL, url=f"{url}/mail?to=a%20b", body=body)
    compared(sent_by([sys.executable, "-I", "-"], got, python(shown(call))), call)


@pytest.mark.skipif(which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PUT"])
def test_other_methods_are_kept(handler: tuple[str, list[Any]], method: str) -> None:
    url, got = handler
    call = replace(CALL, method=method, url=f"{url}/x", body=b"")
    assert sent_by(["/bin/sh"], got, curl(shown(call)))[0] == method
    assert sent_by([sys.executable, "-I", "-"], got, python(shown(call)))[0] == method


def test_the_message_is_what_travels() -> None:
    assert http(shown(CALL)) == (
        "POST /mail?to=a%20b HTTP/1.1\r\nHost: handler.test:8080\r\nContent-Type: application/json\r\n"
        'User-Agent: Google-Cloud-Tasks\r\nX-Note: it\'s "so" $HOME `x`\r\nContent-Length: 13\r\n\r\n'
        '{"a": "it\'s"}'
    )
    assert http(shown(replace(CALL, body=b"\xff"))).endswith("\\xff")


def test_an_archive_holds_the_request_and_no_response() -> None:
    archive = json.loads(har(shown(CALL), AT, "1.0"))["log"]
    (entry,) = archive["entries"]
    assert (archive["version"], archive["creator"]["version"]) == ("1.2", "1.0")
    assert entry["startedDateTime"] == "2026-03-01T12:00:00Z"
    request = entry["request"]
    assert (request["method"], request["url"], request["bodySize"]) == ("POST", CALL.url, 13)
    assert request["queryString"] == [{"name": "to", "value": "a b"}]
    assert request["postData"]["text"] == '{"a": "it\'s"}'
    binary = json.loads(har(shown(replace(CALL, body=b"\xff")), AT, "1.0"))["log"]["entries"][0]["request"]["postData"]
    assert (binary["text"], binary["encoding"]) == ("/w==", "base64")


@pytest.mark.parametrize("write", [curl, http, python, lambda request: har(request, AT, "1")])
def test_no_secret_is_shown_anywhere(write: Any) -> None:
    canary = "canary-7f3a"
    secret = replace(
        CALL,
        url=f"http://user:{canary}@handler.test/x?access_token={canary}&plain=1&key={canary}",
        headers=(
            ("Authorization", f"Bearer {canary}"),
            ("Cookie", f"session={canary}"),
            ("Proxy-Authorization", canary),
            ("X-Api-Key", canary),
            ("X-My-Token", canary),
            ("X-Secret-Thing", canary),
            ("X-Plain", "seen"),
        ),
        token=OidcToken("a@b.test"),
    )
    text = write(shown(secret))
    assert canary not in text
    assert "seen" in text
    assert "plain=1" in text
    assert "***" in text


def test_nothing_in_a_task_breaks_out_of_the_text() -> None:
    evil = replace(
        CALL, url="http://h.test/'$(touch%20x)'?a=%22", headers=(("X-A", "'; touch x; '"),), body=b"'; import os; '''"
    )
    words = shlex.split(curl(shown(evil)))
    assert words[words.index("--url") + 1] == evil.url
    assert "X-A: '; touch x; '" in words
    program = ast.parse(python(shown(evil)))
    assert len(program.body) == 6
