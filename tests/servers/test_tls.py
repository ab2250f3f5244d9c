"""TLS, and certificates of clients."""

from __future__ import annotations

import datetime
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import grpc
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.servers.running import Front, calling, running

from tidegate.servers.address import Address
from tidegate.servers.envoy import Tls
from tidegate.servers.front import CannotServe, prepare


class Identity(NamedTuple):
    """A key and its certificate, as PEM."""

    key: bytes
    cert: bytes


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Identity, Identity]:
    """A folder with the files of the server and of the CA, which signed both; the server and the client."""
    folder = tmp_path_factory.mktemp("tls")
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)

    def signed(name: str, key: ec.EllipticCurvePrivateKey, *, ca: bool = False) -> bytes:
        names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
        builder = x509.CertificateBuilder(
            issuer_name=ca_name,
            subject_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(days=1),
            not_valid_after=now + datetime.timedelta(days=1),
        )
        builder = builder.add_extension(names, critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def identity(name: str) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Identity(pem, signed(name, key))

    server, client = identity("server"), identity("client")
    for name, pem in {"ca": signed("tests", ca_key, ca=True), "cert": server.cert, "key": server.key}.items():
        (folder / name).write_bytes(pem)
    (folder / "client").write_bytes(client.key + client.cert)
    return folder, server, client


@pytest.fixture
def front(identities: tuple[Path, Identity, Identity], request: pytest.FixtureRequest) -> Iterator[Front]:
    folder, *_ = identities
    client_ca = f", '{folder}/ca'" if request.param else ""
    with running(f"port=0, tls=Tls('{folder}/cert', '{folder}/key'{client_ca})") as front:
        yield front


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (("key", "key"), "there is no certificate in {}/key: name a PEM file that has one with --tls-cert"),
        (
            ("cert", "key", "key"),
            "there is no certificate in {}/key: name a PEM file that has one with --tls-client-ca",
        ),
        (("cert", "ca"), "there is no key in {}/ca: name a PEM file that has one, without a password, with --tls-key"),
        (
            ("cert", "other"),
            "{0}/other is not the key of {0}/cert: name two that belong together with --tls-cert and --tls-key",
        ),
        (("cert", ""), "cannot read {}: check the path and its permissions"),
    ],
)
def test_files_that_are_not_what_they_should_be_are_refused_in_one_line(
    identities: tuple[Path, Identity, Identity], files: tuple[str, ...], says: str
) -> None:
    folder, _, client = identities
    (folder / "other").write_bytes(client.key)
    tls = Tls(*(folder / name for name in files))
    with pytest.raises(CannotServe) as refused:
        prepare("module:app", Address("localhost", "127.0.0.1", 1), environment={}, tls=tls)
    assert str(refused.value) == says.format(folder)


@pytest.mark.parametrize("front", [False], indirect=True)
def test_calls_and_requests_travel_over_tls(front: Front, identities: tuple[Path, Identity, Identity]) -> None:
    folder, *_ = identities
    assert front.url.startswith("https://127.0.0.1:")
    with calling(front, grpc.ssl_channel_credentials((folder / "ca").read_bytes())) as call:
        assert call("Echo", "secret") == "secret"
    trust = ssl.create_default_context(cafile=str(folder / "ca"))
    assert httpx.get(f"{front.url}/healthz", verify=trust).json() == {"status": "alive"}


@pytest.mark.parametrize("front", [True], indirect=True)
def test_only_clients_with_a_certificate_of_the_ca_are_let_in(
    front: Front, identities: tuple[Path, Identity, Identity]
) -> None:
    folder, _, client = identities
    ca = (folder / "ca").read_bytes()
    with calling(front, grpc.ssl_channel_credentials(ca, client.key, client.cert)) as call:
        assert call("Echo", "secret") == "secret"
    with calling(front, grpc.ssl_channel_credentials(ca)) as stranger:
        assert stranger.error("Echo").code() is grpc.StatusCode.UNAVAILABLE
