"""Why a call brought no answer, in a few words for the log: never a URL, a header or a body."""

from __future__ import annotations

from pyreqwest.exceptions import (
    BodyDecodeError,
    ClientClosedError,
    ConnectTimeoutError,
    DecodeError,
    PyreqwestError,
    ReadError,
    RequestTimeoutError,
)

OUT_OF_FILES = "out of file descriptors"

# What the last cause of an error begins with, and what we call it.
CAUSES = {
    "Connection refused": "connection refused",
    "failed to lookup address": "host not found",
    "Connection reset": "connection reset",
    "Broken pipe": "connection reset",
    "connection closed before message completed": "connection closed without an answer",
    "invalid peer certificate": "TLS certificate not accepted",
    "message head is too large": "answer with too many or too large headers",
    "Too many open files": OUT_OF_FILES,
    "Network is unreachable": "host unreachable",
    "No route to host": "host unreachable",
    "Connection timed out": "host unreachable",
}
CONNECTING = "client error (Connect)"
HUNG_UP = ("connection closed before message completed", "Connection reset", "Broken pipe")


def causes(error: PyreqwestError) -> list[str]:
    """The messages of an error, the innermost last."""
    details = getattr(error, "details", None) or {}
    return [cause["message"] for cause in details.get("causes") or []]


def passed_deadline(error: PyreqwestError) -> bool:
    """Whether the call's own time was up; giving up on connecting to one address is not that."""
    chain = causes(error)
    return isinstance(error, RequestTimeoutError) and CONNECTING not in chain and "os error" not in "".join(chain[-1:])


def never_connected(error: PyreqwestError) -> bool:
    """Whether there was no connection to send anything over."""
    return CONNECTING in causes(error)


def hung_up_unanswered(error: PyreqwestError) -> bool:
    """Whether the connection ended after it stood and before an answer's head was complete."""
    chain = causes(error)
    return "client error (SendRequest)" in chain and chain[-1].startswith(HUNG_UP)


def reason(error: PyreqwestError) -> str:
    """What went wrong, in a few words."""
    chain = causes(error)
    last = chain[-1] if chain else ""
    for beginning, words in CAUSES.items():
        if last.startswith(beginning) and not isinstance(error, ReadError):
            return words
    if isinstance(error, (BodyDecodeError, ReadError)):
        return "answer broken off"
    if isinstance(error, DecodeError):
        return "answer is not HTTP"
    if isinstance(error, ClientClosedError):
        return "sender closed"
    if isinstance(error, ConnectTimeoutError):
        return "host unreachable"
    if CONNECTING in chain:
        return "no connection" if "tcp connect error" in chain else "TLS handshake failed"
    return "call failed"
