"""What is said of a queue.yaml that cannot be taken."""

from __future__ import annotations

from tidegate.core.errors import InvalidArgument


def invalid(what: str, line: int = 0) -> InvalidArgument:
    """The error for a rule that is broken, ``what`` without its full stop, on this line; 0 when it is not known."""
    place = f", line {line}" if line else ""
    return InvalidArgument(f"Invalid queue configuration. {what}{place}.")
