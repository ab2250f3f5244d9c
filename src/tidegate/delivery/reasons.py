"""Why a call brought no answer, in a few words for the log: never a URL, a header or a body."""

from __future__ import annotations

import errno
import ssl
from typing import Final

BROKEN_OFF: Final = "answer broken off"
HUNG_UP: Final = "connection closed without an answer"
NOT_HTTP: Final = "answer is not HTTP"
OUT_OF_FILES: Final = "out of file descriptors"
REFUSED: Final = "connection refused"
RESET: Final = "connection reset"
SENDER_CLOSED: Final = "sender closed"
TLS_HANDSHAKE: Final = "TLS handshake failed"
TLS_CERTIFICATE: Final = "TLS certificate not accepted"
TLS_FAILURES: Final = frozenset({TLS_HANDSHAKE, TLS_CERTIFICATE})
TOO_LARGE: Final = "answer with too many or too large headers"

CAUSES: Final = {
    errno.ECONNREFUSED: REFUSED,
    errno.ECONNRESET: RESET,
    errno.EPIPE: RESET,
    errno.EMFILE: OUT_OF_FILES,
    errno.ENFILE: OUT_OF_FILES,
    errno.ENETUNREACH: "host unreachable",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ETIMEDOUT: "host unreachable",
}


class NoAnswer(Exception):  # noqa: N818 (an outcome, not an error)
    """A request ended without an answer.

    ``untaken`` is True when the connection ended before the handler got a byte of the request, and None when the
    handler closed it without a byte of an answer and it is unknown whether it got the request.
    """

    def __init__(self, reason: str, *, untaken: bool | None = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.untaken = untaken


def unconnected(error: OSError, *, tls: bool) -> str:
    """Why no connection was made."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return TLS_CERTIFICATE
    if isinstance(error, ssl.SSLError):
        return TLS_HANDSHAKE
    known = CAUSES.get(error.errno or 0)
    if known is not None:
        return known
    # asyncio's own errors have no errno: a handshake that broke off or took too long
    return TLS_HANDSHAKE if tls and isinstance(error, ConnectionError) else "no connection"
