"""Clients that claim another's certificate in the header of proxies, over the wire: it makes them nobody else."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import grpc
import httpx
import pytest
from cryptography import x509
from tests.servers.test_tls import Authority, Identity

from tidegate.schema import v2

QUEUE = "projects/shop/locations/here/queues/mail"
GET = v2.CloudTasks.get_queue
SPIFFE = "spiffe://example.org/admin"
ADMIN = "principal://spiffe/example.org/admin"
HEADER = "x-forwarded-client-cert"


class Wire(NamedTuple):
    """A running server, whose admin has a certificate, and the folder with its files."""

    address: str
    folder: Path
    authority: Authority
    admin: Identity
    tls: bool

    def forged(self) -> list[str]:
        """Headers that say the admin's name."""
        pem = quote(self.admin.cert.decode(), safe="")
        return [
            f'Hash=0;Cert="{pem}";Chain="{pem}";Subject="CN=admin";URI={SPIFFE}',
            f'By=spiffe://example.org/tasks;Hash=0;Subject="CN=admin";URI={SPIFFE}',
            f"URI={SPIFFE},URI={SPIFFE}",
        ]

    def context(self, client: Identity | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "ca"))
        if client is not None:
            (self.folder / "client").write_bytes(client.key + client.cert)
            context.load_cert_chain(self.folder / "client")
        return context

    def rest(self, header: str, client: Identity | None = None) -> tuple[int, str]:
        """GetQueue over REST: the HTTP status, and the member that whoAmI tells."""
        scheme = "https" if self.tls else "http"
        with httpx.Client(
            base_url=f"{scheme}://{self.address}", headers={HEADER: header}, verify=self.context(client), timeout=30
        ) as caller:
            status = caller.get(f"/v2/{QUEUE}").status_code
            return status, caller.get("/v1/server:whoAmI").json().get("member", "")

    def grpc(self, header: str, client: Identity | None = None) -> grpc.StatusCode:
        """The same call over gRPC; its status."""
        ca = (self.folder / "ca").read_bytes()
        options = [("grpc.use_local_subchannel_pool", 1)]
        if not self.tls:
            channel = grpc.insecure_channel(self.address, options)
        else:
            shown = (None, None) if client is None else (client.key, client.cert)
            channel = grpc.secure_channel(self.address, grpc.ssl_channel_credentials(ca, *shown), options)
        with channel:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(GET.grpc_path, None, None)
            try:
                _, done = call.with_call(
                    GET.request_pb(name=QUEUE).SerializeToString(), metadata=((HEADER, header),), timeout=30
                )
            except grpc.RpcError as error:
                return error.code()
            return done.code()


@contextmanager
def serving(folder: Path, *, tls: bool) -> Iterator[Wire]:
    authority = Authority()
    identity = authority.identity("server")
    admin = authority.identity("admin", x509.UniformResourceIdentifier(SPIFFE))
    for name, pem in {"ca": authority.certificate, "cert": identity.cert, "key": identity.key}.items():
        (folder / name).write_bytes(pem)
    (folder / "key").chmod(0o600)
    command = [sys.executable, "-m", "tidegate", "serve", "--port", "0", "--store", "sqlite://:memory:", "--access"]
    command += ["--host", "localhost", "--admin", ADMIN, "--queue", QUEUE, "--audit-log", "audit.jsonl"]
    if tls:
        command += ["--tls-cert", "cert", "--tls-key", "key", "--tls-client-ca", "ca"]
        command += ["--client-certificates", "optional"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as server:
        try:
            assert server.stdout is not None
            ready = re.fullmatch(r"listening on https?://(\S+)\n", server.stdout.readline())
            assert ready is not None
            yield Wire(ready[1], folder, authority, admin, tls)
        finally:
            server.terminate()
        assert server.wait(30) == 0


@pytest.fixture(scope="module")
def over_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    with serving(tmp_path_factory.mktemp("tls"), tls=True) as wire:
        yield wire


def test_over_plain_text_it_makes_nobody_a_member(tmp_path: Path) -> None:
    with serving(tmp_path, tls=False) as wire:
        for header in wire.forged():
            assert wire.rest(header) == (401, "")
            assert wire.grpc(header) is grpc.StatusCode.UNAUTHENTICATED
    lines = [json.loads(line)["protoPayload"] for line in (tmp_path / "audit.jsonl").read_text().splitlines()]
    refused = [line for line in lines if line["methodName"].endswith("GetQueue")]
    assert len(refused) == 2 * len(wire.forged())
    assert {line["requestMetadata"]["callerIp"] for line in refused} == {"127.0.0.1"}
    assert SPIFFE not in (tmp_path / "audit.jsonl").read_text()


def test_over_tls_without_a_certificate_it_makes_nobody_a_member(over_tls: Wire) -> None:
    for header in over_tls.forged():
        assert over_tls.rest(header) == (401, "")
        assert over_tls.grpc(header) is grpc.StatusCode.UNAUTHENTICATED


def test_the_owner_of_another_certificate_stays_who_it_is(over_tls: Wire) -> None:
    stranger = over_tls.authority.identity(f'x";URI={SPIFFE}', x509.DNSName("stranger.test"))
    for header in over_tls.forged():
        assert over_tls.rest(header, stranger) == (403, "principal://dns/stranger.test")
        assert over_tls.grpc(header, stranger) is grpc.StatusCode.PERMISSION_DENIED


def test_a_certificate_of_another_authority_is_not_let_in_whatever_it_says(over_tls: Wire) -> None:
    forged = Authority().identity("admin", x509.UniformResourceIdentifier(SPIFFE))
    for header in over_tls.forged():
        with pytest.raises(httpx.TransportError):
            over_tls.rest(header, forged)
        assert over_tls.grpc(header, forged) is grpc.StatusCode.UNAVAILABLE


def test_the_certificate_itself_makes_its_owner_the_admin(over_tls: Wire) -> None:
    other = "URI=spiffe://example.org/other"
    assert over_tls.rest(other, over_tls.admin) == (200, ADMIN)
    assert over_tls.grpc(other, over_tls.admin) is grpc.StatusCode.OK
