"""The request of a task as text, or sent once more without changing the task."""

from __future__ import annotations

from tidegate.schema.declare import INT32, INT64, STRING, Enum, Message, field, module

__protobuf__ = module(
    "tidegate.operator.v1",
    "RenderRequestRequest",
    "RenderRequestResponse",
    "ReplayTaskRequest",
)


class RenderRequestRequest(Message):
    """Renders the request of a task's attempt as text. Secret values in it are ``***``."""

    class Format(Enum):
        """The form of the text."""

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
    """Sends a task once more. The task does not change, and the response is not stored."""

    name: str = field(STRING, 1)
    url: str = field(STRING, 2)
    """The URL; empty for the task's own. Another origin gets no token, cookies and other secrets."""
    body_limit: int = field(INT64, 3)
    """Bytes of the answer's body to return, at most 1,024; 0 for all of these."""
