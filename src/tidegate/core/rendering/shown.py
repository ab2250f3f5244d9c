"""A request as it may be shown."""

from __future__ import annotations

from msgspec import Struct

from tidegate.core.headers import HEADERS_COUNT_MAX
from tidegate.core.masking import MASK, Headers, masked_headers, masked_url
from tidegate.core.target import BODY_METHODS, HttpCall

HEADERS_SHOWN: int = 256 * 1024
"""Characters of headers: three times what a task may have."""


class ShownRequest(Struct, frozen=True):
    """A request with ``***`` for its secrets. ``timeout`` is seconds; ``headers`` have no Host and Content-Length."""

    method: str
    url: str
    headers: Headers
    body: bytes
    timeout: float

    @property
    def has_body(self) -> bool:
        """Whether the request has a body, be it an empty one."""
        return self.method in BODY_METHODS

    @property
    def text(self) -> str | None:
        """The body as text; None when it is none."""
        try:
            return self.body.decode()
        except UnicodeDecodeError:
            return None

    def header(self, name: str) -> str | None:
        """The value of a header, by its name in lower case."""
        return next((value for each, value in self.headers if each.lower() == name), None)


def shown(call: HttpCall) -> ShownRequest:
    """The request of a call without its secrets: those of the headers and the URL, and the token."""
    headers = masked_headers(call.headers, HEADERS_COUNT_MAX, HEADERS_SHOWN)
    if call.token is not None:
        headers = (*headers, ("Authorization", MASK))
    return ShownRequest(call.method, masked_url(call.url), headers, call.body, call.timeout.total_seconds())
