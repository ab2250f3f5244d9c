"""What the console sends back, and the headers that keep its pages to themselves."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidegate.servers.call import Headers, Send

HTML: Final = b"text/html; charset=utf-8"

POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    b"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""Content-Security-Policy of every answer: nothing is loaded from elsewhere, nothing in a page runs but our files."""

SAFE: Final[Headers] = [
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
NOT_KEPT: Final = (b"cache-control", b"no-store")


class Answer(Struct, frozen=True):
    """A status, a body and its type. ``headers`` come on top of those that every answer has."""

    body: bytes
    status: int = 200
    content_type: bytes = HTML
    headers: Headers = []

    async def send(self, method: str, send: Send) -> None:
        kept = any(name == NOT_KEPT[0] for name, _ in self.headers)
        headers = [
            (b"content-type", self.content_type),
            (b"content-length", b"%d" % len(self.body)),
            *SAFE,
            *([] if kept else [NOT_KEPT]),
            *self.headers,
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if method == "HEAD" else self.body})


def redirect(where: str) -> Answer:
    """Go on at ``where``, a relative address, with GET."""
    return Answer(b"", 303, headers=[(b"location", where.encode("ascii"))])


def download(body: bytes, name: str, content_type: bytes = b"application/octet-stream") -> Answer:
    """A file that the browser saves and never shows. ``name`` has only letters, digits, dots, ``-`` and ``_``."""
    return Answer(body, 200, content_type, [(b"content-disposition", f'attachment; filename="{name}"'.encode())])
