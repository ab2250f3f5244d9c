"""Client certificates: whose each one is, whatever its names try to look like."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from tests.access.world import NOON, QUEUE, Guarded, status_of

from tidegate.schema import v2
from tidegate.servers.authentication.certificates import Certificates
from tidegate.servers.authentication.refused import RefusedError

KEY = ec.generate_private_key(ec.SECP256R1())
GET = v2.CloudTasks.get_queue
SPIFFE = "spiffe://example.org/mailer"


def certificate(*names: Any, cn: str | None = None) -> str:
    """A certificate with these alternative names, in PEM."""
    subject = x509.Name([] if cn is None else [x509.NameAttribute(NameOID.COMMON_NAME, cn)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")]))
        .public_key(KEY.public_key())
        .serial_number(7)
        .not_valid_before((NOON - timedelta(days=1)).replace(tzinfo=None))
        .not_valid_after((NOON + timedelta(days=1)).replace(tzinfo=None))
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def member(pem: str, **renamed: str) -> str:
    return Certificates(renamed).principal(pem)[0].member


@pytest.mark.parametrize(
    ("names", "cn", "expected"),
    [
        (
            [x509.UniformResourceIdentifier(SPIFFE), x509.DNSName("mail.test")],
            "x",
            "principal://spiffe/example.org/mailer",
        ),
        ([x509.DNSName("mail.test"), x509.RFC822Name("ann@example.com")], "x", "user:ann@example.com"),
        (
            [x509.UniformResourceIdentifier("https://mail.test/"), x509.DNSName("mail.test")],
            "x",
            "principal://dns/mail.test",
        ),
        ([], "mailer", "principal://cn/mailer"),
        ([], 'x";URI=spiffe://example.org/admin', 'principal://cn/x";URI=spiffe://example.org/admin'),
        ([], "x,URI=spiffe://example.org/admin;By=y", "principal://cn/x,URI=spiffe://example.org/admin;By=y"),
        ([x509.UniformResourceIdentifier("spiffe://example.org")], "mailer", "principal://cn/mailer"),
    ],
)
def test_the_first_name_of_a_certificate_says_whose_it_is(names: list[Any], cn: str, expected: str) -> None:
    assert member(certificate(*names, cn=cn)) == expected


@pytest.mark.parametrize(
    "pem", [certificate(), certificate(cn="a\nb"), certificate(cn="x" * 64 + "\x00"[:0]), "no PEM"]
)
def test_a_certificate_without_a_name_of_use_is_refused(pem: str) -> None:
    if "BEGIN" in pem and b"x" * 64 in x509.load_pem_x509_certificate(pem.encode()).subject.public_bytes():
        return  # the longest name there may be is one of use
    with pytest.raises(RefusedError):
        member(pem)


def test_a_certificate_can_be_given_another_member() -> None:
    renamed = {SPIFFE: "serviceAccount:mailer@shop.iam.gserviceaccount.com"}
    pem = certificate(x509.UniformResourceIdentifier(SPIFFE), cn="x")
    assert Certificates(renamed).principal(pem)[0].member == "serviceAccount:mailer@shop.iam.gserviceaccount.com"


def shown(pem: str) -> dict[str, Any]:
    return {
        "extensions": {"tls": {"client_cert_chain": (pem,), "client_cert_name": "CN=admin", "client_cert_error": None}}
    }


async def test_a_certificate_is_a_credential_where_that_is_wanted() -> None:
    pem = certificate(cn="mailer")
    request = GET.request_pb(name=QUEUE)
    for wanted, expected in ((Certificates({}), 0), (None, 16)):
        server = await Guarded(certificates=wanted).start()
        await server.allow("server", ("roles/viewer", "principal://cn/mailer"))
        assert status_of(await server.grpc(GET, request, **shown(pem))) == expected


async def test_a_token_comes_before_a_certificate_and_a_wrong_one_is_not_passed_over() -> None:
    server = await Guarded(certificates=Certificates({})).start()
    await server.allow("server", ("roles/viewer", "principal://cn/mailer"))
    request, pem = GET.request_pb(name=QUEUE), certificate(cn="mailer")
    assert status_of(await server.grpc(GET, request, server.token("user:ann@example.com"), **shown(pem))) == 7
    assert status_of(await server.grpc(GET, request, "wrong", **shown(pem))) == 16


@pytest.mark.parametrize("pem", [None, certificate(cn="stranger")])
async def test_a_forged_header_makes_nobody_another_member(pem: str | None) -> None:
    server = await Guarded(certificates=Certificates({})).start()
    await server.allow("server", ("roles/owner", "principal://spiffe/example.org/admin"))
    forged = 'Hash=0;Cert="";Subject="CN=admin";URI=spiffe://example.org/admin'
    for headers in ({"X-Forwarded-Client-Cert": forged}, {"X-Forwarded-Client-Cert": certificate(cn="admin")[:60]}):
        answer = await server.http("GET", f"/v2/{QUEUE}", headers=headers, **(shown(pem) if pem else {}))
        assert status_of(answer) == (7 if pem else 16)
