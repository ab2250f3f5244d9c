"""Settings of access control that have parts: issuers of tokens, own roles, other names for certificates.

[[issuer]]
name = "cluster"
url = "https://kubernetes.default.svc"
audience = "tidegate"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypeVar

from msgspec import Struct

from tidegate.core.access.permissions import ALL
from tidegate.core.policy import is_member, is_role
from tidegate.settings import kinds
from tidegate.settings.kinds import RefusedError, UnknownFieldError, ValueKind
from tidegate.settings.rows import Says, closest, rows

T = TypeVar("T", bound=Struct)

ALGORITHMS = ("RS256", "ES256", "EdDSA")
"""Ways to sign a token that may be trusted. None with a shared secret is among them."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")


def _issuer_name(value: str) -> str:
    if not _NAME.fullmatch(value.strip()):
        raise RefusedError("a name of lower-case letters, digits, dots and hyphens")
    return value.strip()


def read_member(value: str) -> str:
    """A member as policies write it."""
    if not is_member(value.strip()):
        raise RefusedError("a member such as user:ann@example.com, serviceAccount:…, principal://… or allUsers")
    return value.strip()


def _role_name(value: str) -> str:
    if not is_role(value.strip()) or value.strip().startswith("roles/"):
        raise RefusedError("projects/PROJECT/roles/ROLE")
    return value.strip()


def _permission(value: str) -> str:
    name = value.strip()
    if name not in ALL:
        raise RefusedError(f"a permission such as cloudtasks.tasks.create{closest(name, sorted(ALL))}")
    return name


def _algorithm(value: str) -> str:
    if value.strip() not in ALGORITHMS:
        raise RefusedError(" or ".join(ALGORITHMS))
    return value.strip()


MEMBER = ValueKind("MEMBER", read_member)
TEXT = kinds.FILE


class IssuerSetup(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An OpenID Connect issuer to trust."""

    name: Annotated[str, Says(ValueKind("NAME", _issuer_name), "What members of it are called.")]
    url: Annotated[str, Says(TEXT, "The iss of its tokens.")]
    audience: Annotated[tuple[str, ...], Says(TEXT, "What aud of a token may be; by default its own URLs.", tuple)] = ()
    member: Annotated[str, Says(TEXT, "The member, with claims in braces.")] = ""
    domain: Annotated[str, Says(TEXT, "The domain that its users belong to, with claims in braces.")] = ""
    groups: Annotated[str, Says(TEXT, "The claim that lists the groups of a caller.")] = ""
    algorithms: Annotated[
        tuple[str, ...], Says(ValueKind("ALG", _algorithm), "How its tokens may be signed.", tuple)
    ] = ("RS256", "ES256")
    jwks_file: Annotated[str | None, Says(TEXT, "A file with its keys, in place of discovery.")] = None
    jwks_url: Annotated[str | None, Says(kinds.URL, "Where its keys are, in place of discovery.")] = None
    ca_file: Annotated[str | None, Says(TEXT, "Authority (PEM) of its certificate.")] = None
    client_id: Annotated[str | None, Says(TEXT, "Client ID of this server there, for the login.")] = None
    client_secret_file: Annotated[str | None, Says(TEXT, "A file with the secret of that client.")] = None


class RoleSetup(Struct, frozen=True, kw_only=True):
    """A role of the operator's own."""

    name: Annotated[str, Says(ValueKind("NAME", _role_name), "Its full name.")]
    permissions: Annotated[tuple[str, ...], Says(ValueKind("PERMISSION", _permission), "What it grants.", tuple)]


class IdentitySetup(Struct, frozen=True, kw_only=True):
    """Another member for a client certificate."""

    certificate: Annotated[str, Says(TEXT, "spiffe://…, an email, a DNS name or a common name in the certificate.")]
    member: Annotated[str, Says(MEMBER, "Who it is.")]


def _table(struct: type[T], what: str, needed: tuple[str, ...]) -> Callable[[Mapping[str, Any]], T]:
    """Reads a table. Raises RefusedError with the place of the field."""

    def read(table: Mapping[str, Any]) -> T:
        by_name = {row.name: row for row in rows(struct)}
        said: dict[str, Any] = {}
        for field, given in table.items():
            if field not in by_name:
                raise UnknownFieldError(
                    f"{what} has no field {field!r}{closest(field, list(by_name))}", (field,), given
                )
            try:
                said[field] = by_name[field].read(given)
            except RefusedError as refused:
                raise refused.within(field, given) from None
        for field in needed:
            if field not in said:
                raise RefusedError(f"a table with {' and '.join(needed)}")
        return struct(**said)

    return read


def _split(read: Callable[[Mapping[str, Any]], T], first: str, second: str, rule: str) -> Callable[[str], T]:
    """Reads ``FIRST=SECOND``."""

    def read_text(value: str) -> T:
        left, equals, right = value.strip().rpartition("=") if second == "member" else value.strip().partition("=")
        if not equals or not left or not right:
            raise RefusedError(rule)
        try:
            return read({first: left, second: right})
        except RefusedError as refused:
            raise RefusedError(f"{rule}, with {refused.rule}") from None

    return read_text


_issuer = _table(IssuerSetup, "an issuer", ("name", "url"))
_identity = _table(IdentitySetup, "an identity", ("certificate", "member"))
_role = _table(RoleSetup, "a role", ("name", "permissions"))


def _role_text(value: str) -> RoleSetup:
    name, equals, permissions = value.strip().partition("=")
    if not equals:
        raise RefusedError("projects/PROJECT/roles/ROLE=PERMISSION+PERMISSION")
    return _role({"name": name, "permissions": permissions.split("+")})


ISSUER = ValueKind(
    "NAME=URL", _split(_issuer, "name", "url", "NAME=URL"), lambda issuer: f"{issuer.name}={issuer.url}", _issuer
)
ROLE = ValueKind("NAME=PERMISSION+…", _role_text, lambda role: f"{role.name}={'+'.join(role.permissions)}", _role)
IDENTITY = ValueKind(
    "CERTIFICATE=MEMBER",
    _split(_identity, "certificate", "member", "CERTIFICATE=MEMBER"),
    lambda identity: f"{identity.certificate}={identity.member}",
    _identity,
)
