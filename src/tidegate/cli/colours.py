"""Colours and weight of text, only where a person looks: on a terminal, unless NO_COLOR or TERM=dumb say no."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BOLD, RED, GREEN, YELLOW = "1", "1;31", "32", "33"


def coloured(stream: Any) -> bool:
    """Whether text on this stream may have colours (https://no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(getattr(stream, "isatty", lambda: False)())


def paint(text: str, code: str, stream: Any) -> str:
    """The text in a colour, or as it is."""
    return f"\x1b[{code}m{text}\x1b[0m" if text and coloured(stream) else text


def bold(text: str) -> str:
    """Heavier, on stdout."""
    return paint(text, BOLD, sys.stdout)
