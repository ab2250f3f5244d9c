"""A request of a browser, taken apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qs

from tidegate.core.errors import InvalidArgument
from tidegate.servers.call import Scope

PREFIX: Final = "/console/"
QUERY_FIELDS_MAX: Final = 100
FORM_FIELDS_MAX: Final = 2_000
"""Fields of a form: a page of tasks that are all selected has some hundred."""
FORM_BYTES_MAX: Final = 4 * 2**20
"""Bytes of a form: a task of 1 MiB, each byte of which may be escaped as three."""


class Request:
    """What a browser asks for. ``form`` is empty unless it sent one."""

    def __init__(self, scope: Scope, form: Mapping[str, Sequence[str]] | None = None) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path: str = scope["path"].removeprefix(PREFIX)
        self.form = form or {}

    @cached_property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.scope["headers"])

    @cached_property
    def root(self) -> str:
        """The way from this page to ``/console/``, relative, so that it also holds behind a proxy's path."""
        return "../" * self.path.count("/") or "./"

    @cached_property
    def query(self) -> Mapping[str, Sequence[str]]:
        return _fields(self.scope["query_string"], QUERY_FIELDS_MAX)

    @property
    def query_text(self) -> str:
        """The query string as it was sent."""
        text: str = self.scope["query_string"].decode("latin-1")
        return text

    def asked(self, name: str, default: str = "") -> str:
        """The last value of a field of the query."""
        values = self.query.get(name)
        return values[-1].strip() if values else default

    def sent(self, name: str, default: str = "") -> str:
        """The last value of a field of the form."""
        values = self.form.get(name)
        return values[-1] if values else default

    @property
    def is_fragment(self) -> bool:
        """Whether a script asks, which needs only what is inside ``main``."""
        return self.headers.get(b"hx-request") == b"true"

    @property
    def asked_by(self) -> tuple[bytes, ...]:
        """What is asked for, and by whom: the same for two requests that must get the same answer."""
        who = (self.headers.get(name, b"") for name in (b"authorization", b"cookie", b"x-goog-api-key"))
        return (self.method.encode(), self.path.encode(), self.scope["query_string"], *who)

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        try:
            jar = SimpleCookie(self.headers.get(b"cookie", b"").decode("latin-1"))
        except CookieError:
            return {}
        return {name: morsel.value for name, morsel in jar.items()}


def read_form(body: bytes) -> dict[str, list[str]]:
    """The fields of a form as browsers send it (``application/x-www-form-urlencoded``). Raises InvalidArgument."""
    return _fields(body, FORM_FIELDS_MAX)


def _fields(text: bytes, most: int) -> dict[str, list[str]]:
    try:
        return parse_qs(text.decode(), keep_blank_values=True, max_num_fields=most, errors="replace")
    except ValueError as error:
        raise InvalidArgument(f"The fields of this request cannot be read: {error}.") from None
