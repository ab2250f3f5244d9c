"""TLS, and certificates of clients."""

from __future__ import annotations

import datetime
import signal
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
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

from tidegate.operator_errors import OperatorError
from tidegate.servers.front import check_files, warn_of_readable_key
from tidegate.servers.http import Tls


class Identity(NamedTuple):
    """A key and its certificate, as PEM."""

    key: bytes
    cert: bytes


class Authority:
    """Signs certificates."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed("tests", self._key, (), ca=True)

    def identity(self, name: str, *names: x509.GeneralName) -> Identity:
        """One with these alternative names; without any, those of this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return Identity(pem, self._signed(name, key, names))

    def _signed(
        self, name: str, key: ec.EllipticCurvePrivateKey, names: Sequence[x509.GeneralName], *, ca: bool = False
    ) -> bytes:
        here = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        now = datetime.datetime.now(datetime.UTC)
        builder = x509.CertificateBuilder(
            issuer_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")]),
            subject_name=x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - datetime.timedelta(days=1),
            not_valid_after=now + datetime.timedelta(days=1),
        )
        builder = builder.add_extension(x509.SubjectAlternativeName(names or here), critical=False)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def identities(tmp_path: Path, authority: Authority) -> tuple[Path, Identity, Identity]:
    """A folder with the files of the server and of the CA, which signed both; the server and the client."""
    server, client = authority.identity("server"), authority.identity("client")
    for name, pem in {"ca": authority.certificate, "cert": server.cert, "key": server.key}.items():
        (tmp_path / name).write_bytes(pem)
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "client").write_bytes(client.key + client.cert)
    return tmp_path, server, client


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
    cert, key, *client_ca = (folder / name for name in files)
    tls = Tls(cert, key, client_ca[0] if client_ca else None)
    with pytest.raises(OperatorError) as refused:
        check_files(tls)
    assert str(refused.value) == says.format(folder)


@pytest.mark.parametrize(("mode", "warns"), [(0o644, True), (0o640, False), (0o600, False)])
def test_a_key_that_every_user_can_read_is_warned_of(
    identities: tuple[Path, Identity, Identity], mode: int, warns: bool, caplog: pytest.LogCaptureFixture
) -> None:
    folder, *_ = identities
    (folder / "key").chmod(mode)
    warn_of_readable_key(Tls(folder / "cert", folder / "key"))
    assert (f"{folder}/key can be read by every user" in caplog.text) is warns


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


# Certificates that are replaced


def served_name(front: Front, folder: Path) -> str:
    """The name in the certificate that a new connection is shown."""
    context = ssl.create_default_context(cafile=str(folder / "ca"))
    with (
        socket.create_connection(("127.0.0.1", front.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as wire,
    ):
        certificate = x509.load_der_x509_certificate(wire.getpeercert(binary_form=True) or b"")
    (name,) = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(name.value)


def await_name(front: Front, folder: Path, name: str) -> None:
    give_up = time.monotonic() + 60
    while served_name(front, folder) != name:
        assert time.monotonic() < give_up, f"still {served_name(front, folder)}"
        time.sleep(0.02)


@pytest.mark.parametrize("front", [False], indirect=True)
def test_replaced_certificates_are_served_and_calls_go_on(
    front: Front, identities: tuple[Path, Identity, Identity], authority: Authority
) -> None:
    folder, *_ = identities
    with (
        calling(front, grpc.ssl_channel_credentials((folder / "ca").read_bytes())) as before,
        ThreadPoolExecutor() as threads,
    ):
        held = threads.submit(before, "Hold", "kept")
        assert front.line() == "holding"
        for name in ("second", "third"):
            new = authority.identity(name)
            (folder / "cert").write_bytes(new.cert)
            (folder / "key").write_bytes(new.key)
            front.process.send_signal(signal.SIGHUP)
            await_name(front, folder, name)
        with calling(front, grpc.ssl_channel_credentials((folder / "ca").read_bytes())) as after:
            assert after("Release", "go") == "go"
        assert held.result() == "kept"


@pytest.mark.parametrize("front", [False], indirect=True)
def test_certificates_that_cannot_be_used_leave_the_old_ones_in_place(
    front: Front, identities: tuple[Path, Identity, Identity], authority: Authority
) -> None:
    folder, *_ = identities
    (folder / "key").write_bytes(b"nonsense")
    front.process.send_signal(signal.SIGHUP)
    assert front.process.stderr is not None
    assert front.process.stderr.readline().startswith("the certificates of before are served on: ")
    assert served_name(front, folder) == "server"
    new = authority.identity("second")
    (folder / "cert").write_bytes(new.cert)
    (folder / "key").write_bytes(new.key)
    front.process.send_signal(signal.SIGHUP)
    await_name(front, folder, "second")
