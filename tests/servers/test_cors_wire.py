"""The door for browsers in front of a whole server: what stands on the wire is what is judged."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import grpc
import httpx
import pytest
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport
from tests.cli.serving import served

PARENT = "projects/demo/locations/here"
SETTINGS = {
    "TIDEGATE_STORE": "sqlite://:memory:",
    "TIDEGATE_ALLOW_HOSTS": "tidegate,*.internal",
    "TIDEGATE_OIDC_ISSUER": "http://keys.example:8123",
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(directory=tmp_path_factory.mktemp("served"), variables=SETTINGS) as address:
        yield address


def status(address: str, request: str) -> int:
    """The status of the answer to these lines, which an empty one ends."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as wire:
        wire.sendall("".join(f"{line}\r\n" for line in [*request.splitlines(), ""]).encode())
        head = wire.makefile("rb").readline()
    return int(head.split()[1])


@pytest.mark.parametrize("http2", [False, True], ids=["HTTP/1.1", "HTTP/2"])
@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", 200),
        ("tidegate:8123", 200),
        ("a.internal", 200),
        ("keys.example:8123", 200),  # where handlers fetch the keys of ID tokens
        ("evil.example", 403),
    ],
)
def test_the_names_of_the_settings_are_answered(address: str, host: str, expected: int, http2: bool) -> None:
    with httpx.Client(http1=not http2, http2=http2) as client:
        for path in (f"/v2/{PARENT}/queues", "/healthz", "/metrics", "/.well-known/openid-configuration"):
            answer = client.get(f"http://{address}{path}", headers={"Host": host})
            assert (answer.http_version, answer.status_code) == ("HTTP/2" if http2 else "HTTP/1.1", expected)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("GET /healthz HTTP/1.1\nHost: LOCALHOST.:1\nConnection: close", 200),
        ("GET /healthz HTTP/1.1\nHost: [::1]:8123\nConnection: close", 200),
        ("GET http://localhost/healthz HTTP/1.1\nHost: localhost\nConnection: close", 200),
        ("GET http://evil.example/healthz HTTP/1.1\nHost: localhost\nConnection: close", 400),  # which of them?
        ("GET http://evil.example/healthz HTTP/1.1\nHost: evil.example\nConnection: close", 403),
        ("GET /healthz HTTP/1.0\nHost: localhost", 400),
    ],
)
def test_hosts_in_every_form_are_judged(address: str, request_: str, expected: int) -> None:
    assert status(address, request_) == expected


@pytest.mark.parametrize("hosts", [("localhost", "evil.example"), ("evil.example", "localhost")])
def test_two_hosts_are_not_answered(address: str, hosts: tuple[str, str]) -> None:
    lines = "\n".join(f"Host: {host}" for host in hosts)
    assert status(address, f"GET /healthz HTTP/1.1\n{lines}\nConnection: close") in {400, 403}


def test_a_refusal_comes_after_the_body(address: str) -> None:
    body = b"x" * 3_000_000
    headers = {"Origin": "http://evil.example", "Content-Type": "text/plain"}
    for http2 in (False, True):
        with httpx.Client(http1=not http2, http2=http2) as client:
            answer = client.post(f"http://{address}/v2/{PARENT}/queues", content=body, headers=headers)
            assert (answer.status_code, answer.json()["error"]["status"]) == (403, "PERMISSION_DENIED")
            assert client.get(f"http://{address}/healthz").status_code == 200


def test_a_grpc_client_may_call_by_any_name(address: str) -> None:
    """As the name of a container may be; no page can make such a call."""
    with grpc.insecure_channel(address, [("grpc.default_authority", "anything.example")]) as channel:
        client = CloudTasksClient(transport=CloudTasksGrpcTransport(channel=channel))
        assert list(client.list_queues(parent=PARENT)) == []
