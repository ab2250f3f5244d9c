"""Client certificates: the member that a certificate stands for.

The HTTP server has verified the chain. Only the certificate itself is read here: texts made of it, such as a subject
in one line, can be made to look like something else by the names in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tidegate.core.access import Principal
from tidegate.servers.authentication.refused import RefusedError

NAME_MAX: Final = 1024
"""Characters of a name that a certificate may give a member."""


class Certificates:
    """Reads certificates. ``renamed`` are other members, by what stands in a certificate."""

    def __init__(self, renamed: Mapping[str, str]) -> None:
        self._renamed = renamed

    def principal(self, pem: str) -> tuple[Principal, float]:
        """Whose certificate it is, and until when it is good. Raises RefusedError when it has no name of use."""
        from cryptography import x509  # noqa: PLC0415 - most servers never see a certificate

        try:
            certificate = x509.load_pem_x509_certificate(pem.encode())
            found = _names(certificate, x509)
            until = certificate.not_valid_after_utc.timestamp()
        except (ValueError, TypeError, OverflowError) as error:
            raise RefusedError(f"a certificate that cannot be read ({type(error).__name__})") from None
        if not found:
            raise RefusedError("a certificate without a name")
        for name, _ in found:
            if name in self._renamed:
                return Principal(self._renamed[name]), until
        return Principal(found[0][1]), until


def _names(certificate: Any, x509: Any) -> list[tuple[str, str]]:
    """The names in a certificate with the members they stand for: SPIFFE ID, email, DNS name, common name."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = None
    found: list[tuple[str, str]] = []
    if names is not None:
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        found += [(uri, f"principal://spiffe/{uri.removeprefix('spiffe://')}") for uri in uris if _is_spiffe(uri)]
        found += [(email, f"user:{email}") for email in names.get_values_for_type(x509.RFC822Name) if "@" in email]
        found += [(name, f"principal://dns/{name}") for name in names.get_values_for_type(x509.DNSName)]
    for attribute in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME):
        text = attribute.value if isinstance(attribute.value, str) else attribute.value.decode("latin-1")
        found.append((text, f"principal://cn/{text}"))
    return [(name, member) for name, member in found if name and len(name) <= NAME_MAX and name.isprintable()]


def _is_spiffe(uri: str) -> bool:
    domain, slash, path = uri.removeprefix("spiffe://").partition("/")
    return uri.startswith("spiffe://") and bool(domain) and bool(slash) and bool(path)
