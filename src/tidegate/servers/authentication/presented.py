"""The credential that a request shows: a token in a header or in the query, or a client certificate."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from tidegate.servers.authentication.refused import RefusedError
from tidegate.servers.call import Headers, Scope

_BEARER: Final = b"bearer"


class Presented(NamedTuple):
    """A token's bytes, or the PEM of a certificate."""

    token: bytes | None = None
    certificate: str | None = None


NOTHING: Final = Presented()


def presented(scope: Scope, *, certificates: bool) -> Presented:
    """What a request shows, the first of: bearer token, API key, certificate. Raises RefusedError for a header that
    is there and is none. ``certificates`` says whether one counts.
    """
    bearer, key = _in_headers(scope["headers"])
    query: bytes = scope.get("query_string", b"")
    if bearer is not None:
        scheme, _, token = bearer.partition(b" ")
        token = token.strip()
        if scheme.lower() != _BEARER or not token:
            raise RefusedError("an Authorization header without a bearer token")
        return Presented(token)
    if query and (asked := _in_query(query, "access_token")) is not None:
        return Presented(asked)
    if key is not None:
        return Presented(key)
    if query and (asked := _in_query(query, "key")) is not None:
        return Presented(asked)
    if certificates:
        tls: Any = scope.get("extensions", {}).get("tls")
        if tls is not None and tls["client_cert_chain"]:
            return Presented(None, tls["client_cert_chain"][0])
    return NOTHING


def _in_headers(headers: Headers) -> tuple[bytes | None, bytes | None]:
    """The values of Authorization and of the API key; several must be the same."""
    bearer = key = None
    for name, value in headers:
        if name == b"authorization":
            if bearer is not None and bearer != value:
                raise RefusedError("two Authorization headers")
            bearer = value
        elif name == b"x-goog-api-key":
            if key is not None and key != value:
                raise RefusedError("two API keys")
            key = value
    return bearer, key


def _in_query(query: bytes, name: str) -> bytes | None:
    if f"{name}=".encode() not in query:
        return None
    values = [value for key, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True) if key == name]
    if len(values) > 1:
        raise RefusedError(f"{name} is in the query twice")
    return values[0].encode("latin-1", "replace") if values else None
