"""One request of an attempt, and the one that follows it when the handler redirects."""

from __future__ import annotations

from collections.abc import Collection

from ada_url import join_url
from msgspec import Struct

from tidegate.core.target import HttpCall
from tidegate.delivery.destination import destination

Headers = tuple[tuple[str, str], ...]

MAX_REDIRECTS = 10
KEEPS_METHOD = frozenset({307, 308})
NO_REDIRECTS = frozenset({304, 305, 306})  # not modified; use a proxy, which a handler may not choose; reserved
REDIRECTS = frozenset(range(300, 400)) - NO_REDIRECTS
AUTHORIZATION = frozenset({"authorization"})
CREDENTIALS = AUTHORIZATION | {"cookie", "cookie2", "proxy-authorization"}


class Hop(Struct, frozen=True):
    """One request. ``headers`` are complete except for Host and Content-Length."""

    method: str
    url: str
    headers: Headers
    body: bytes
    queue: str = ""

    @classmethod
    def first(cls, call: HttpCall, authorization: str | None) -> Hop:
        """The request a call begins with; a minted ``authorization`` replaces the task's own."""
        headers = call.headers
        if authorization is not None:
            headers = (*without(headers, AUTHORIZATION), ("Authorization", authorization))
        return cls(call.method, call.url, headers, call.body, call.queue)

    def redirected(self, status: int, location: str) -> Hop | None:
        """The request that a redirect asks for; None when its ``location`` cannot be called.

        307 and 308 repeat method and body; the others turn all but HEAD into a GET without body. Headers with
        credentials are sent only to the scheme, host and port for which they were made.
        """
        try:
            url = join_url(self.url, location)
            leaves = destination(url).origin != destination(self.url).origin
        except ValueError:
            return None
        if not location:
            return None
        headers = without(self.headers, CREDENTIALS) if leaves else self.headers
        if status in KEEPS_METHOD:
            return Hop(self.method, url, headers, self.body, self.queue)
        headers = tuple((name, value) for name, value in headers if not name.lower().startswith("content-"))
        return Hop("HEAD" if self.method == "HEAD" else "GET", url, headers, b"", self.queue)


def without(headers: Headers, unwanted: Collection[str]) -> Headers:
    """The headers without those of the unwanted names, which are in lower case."""
    return tuple((name, value) for name, value in headers if name.lower() not in unwanted)
