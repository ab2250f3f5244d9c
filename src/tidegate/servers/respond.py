"""Sends plain HTTP answers, mostly JSON: all answers that are not gRPC."""

from __future__ import annotations

from typing import Final

from tidegate.servers.call import Send

JSON: Final = b"application/json; charset=UTF-8"

UNAUTHENTICATED: Final = 401
CHALLENGE: Final = (b"www-authenticate", b'Bearer realm="https://accounts.google.com/", error="invalid_token"')
"""What the service adds to every 401."""


async def respond(method: str, send: Send, status: int, body: bytes, content_type: bytes = JSON) -> None:
    """Send an answer to a request of this HTTP method. HEAD gets no body, which would break a kept connection."""
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(body))]
    if status == UNAUTHENTICATED:
        headers.append(CHALLENGE)
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
