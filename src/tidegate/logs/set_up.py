"""Puts the log of this process in place."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import TextIO

from tidegate.logs.limit import LimitedHandler
from tidegate.logs.lines import JsonLines, PlainLines

JSON = "json"
PLAIN = "plain"


def set_up(
    log_format: str | None, *, level: int = logging.INFO, stream: TextIO | None = None, times: bool = True
) -> None:
    """Write what is logged from ``level`` on to ``stream`` (stderr), as ``json`` or ``plain``. None: plain on a
    terminal, else JSON. Without ``times`` plain lines do not begin with one.
    """
    where = stream or sys.stderr
    handler = LimitedHandler(where)
    plain = (log_format or (PLAIN if _is_terminal(where) else JSON)) == PLAIN
    handler.setFormatter(PlainLines(times=times) if plain else JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)


def _is_terminal(stream: TextIO) -> bool:
    with suppress(OSError, ValueError, AttributeError):
        return stream.isatty()
    return False
