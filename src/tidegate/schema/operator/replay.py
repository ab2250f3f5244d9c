"""A task's request elsewhere: as text, or sent again without touching the task."""

from __future__ import annotations

from tidegate.schema.declare import INT32, INT64, STRING, Enum, Message, field, module

__protobuf__ = module(
    "tidegate.operator.v1",
    "RenderRequestRequest",
    "RenderRequestResponse",
    "ReplayTaskRequest",
)


class RenderRequestRequest(Message):
    """The request of a task's attempt, as text. Secret values in it are ``***``."""

    class Format(Enum):
        """As what."""

        FORMAT_UNSPECIFIED = 0
        """CURL."""
        CURL = 1
        """A command line for a POSIX shell."""
        HTTP = 2
        """The bytes of an HTTP/1.1 request."""
        PYTHON = 3
        """A program that needs the standard library only."""
        HAR = 4
        """An HTTP archive, JSON."""

    name: str = field(STRING, 1)
    format: Format = field(Format, 2)
    attempt: int = field(INT32, 3)
    """The number of the attempt; 0 for the next one."""


class RenderRequestResponse(Message):
    """The text."""

    text: str = field(STRING, 1)


class ReplayTaskRequest(Message):
    """A task to be sent once more, whatever becomes of it. The answer is kept nowhere."""

    name: str = field(STRING, 1)
    url: str = field(STRING, 2)
    """Where; empty for the task's own URL. To another origin it goes without its token, cookies and other secrets."""
    body_limit: int = field(INT64, 3)
    """Bytes of the answer's body to return, at most 1,024; 0 for all of these."""
