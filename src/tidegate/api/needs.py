"""What a request needs beside the permission of its row, by what stands in it: the FULL view, a token's account."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from tidegate.api.views import FULL
from tidegate.core.access.permissions import ACT_AS, FULL_VIEW
from tidegate.schema.rpc import Rpc

Need: TypeAlias = Callable[[Any], Iterable[tuple[str, str]]]
"""Takes a raw request; returns permissions, each with the email of the account that it is needed on, or none."""

_FULL: Final = ((FULL_VIEW, ""),)
_NONE: Final = ()


def needs_of(row: Rpc[Any, Any]) -> tuple[Need, ...]:
    """The needs that requests of a row may have. They are found by the fields of its message."""
    fields = row.request_pb.DESCRIPTOR.fields_by_name
    needs: list[Need] = []
    if "response_view" in fields:
        needs.append(_full_view)
    if "task" in fields and "http_request" in fields["task"].message_type.fields_by_name:
        needs.append(_token)
    entries = fields.get("requests")
    if entries is not None and "response_view" in entries.message_type.fields_by_name:
        needs.append(_entries)
    return tuple(needs)


def _full_view(request: Any) -> Iterable[tuple[str, str]]:
    return _FULL if request.response_view == FULL else _NONE


def _token(request: Any) -> Iterable[tuple[str, str]]:
    email = token_email(request.task.http_request)
    return ((ACT_AS, email),) if email else _NONE


def _entries(request: Any) -> Iterable[tuple[str, str]]:
    """Those of all entries of a batch: it is refused as a whole."""
    found: dict[tuple[str, str], None] = {}
    for entry in request.requests:
        for need in (*_full_view(entry), *_token(entry)):
            found[need] = None
    return found


def token_email(http: Any) -> str:
    """The account of the token in a raw HttpRequest or HttpTarget; empty for none."""
    kind = http.WhichOneof("authorization_header")
    email: str = getattr(http, kind).service_account_email if kind is not None else ""
    return email
