"""The values of a queue.yaml. Scalars are texts, also those that look like numbers: Google reads them like that.

Each function raises RuleError with the rule alone; its caller adds the key and the queue.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from tidegate.core.times import NANOS_PER_SECOND, Duration

SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
BACKOFF_MAX: Final = 315_576_000_000
"""Seconds; google.protobuf.Duration."""

_TRUE: Final = frozenset({"true", "yes", "on"})
_FALSE: Final = frozenset({"false", "no", "off"})
_RATE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,9})?)/([smhd])")
_AGE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,9})?)([smhd])")
_WHOLE: Final = re.compile(r"[0-9]{1,18}")
_NUMBER: Final = re.compile(r"[0-9]{1,18}(?:\.[0-9]{0,18})?|\.[0-9]{1,18}")


class RuleError(Exception):
    """A value breaks a rule. The text continues the name of the key: ``must be a text``."""


def text(sent: Any) -> str:
    """A scalar as it was written."""
    if isinstance(sent, bool) or not isinstance(sent, str | int | float):
        raise RuleError("must be a text")
    return str(sent)


def whole(sent: Any, least: int, most: int | None) -> int:
    """A whole number within these bounds."""
    number = _whole(sent)
    if number is None or number < least or (most is not None and number > most):
        bounds = f" from {least} to {most}" if most is not None else f", {least} or more"
        raise RuleError(f"must be a whole number{bounds}")
    return number


def _whole(sent: Any) -> int | None:
    if isinstance(sent, str):
        return int(sent) if _WHOLE.fullmatch(sent) else None
    return sent if isinstance(sent, int) and not isinstance(sent, bool) else None


def backoff(sent: Any) -> Duration | None:
    """A wait in seconds, with a fraction. None for 0, which stands for the default as in the API."""
    seconds = float(sent) if isinstance(sent, str) and _NUMBER.fullmatch(sent) else sent
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= BACKOFF_MAX:
        raise RuleError("must be a number of seconds, 0 or more")
    wait = Duration(*divmod(round(seconds * NANOS_PER_SECOND), NANOS_PER_SECOND))
    return wait if wait.total_nanos else None


def rate(sent: Any) -> float:
    """Dispatches per second; 0 for a paused queue."""
    said = text(sent)
    if said == "0":
        return 0.0
    parts = _RATE.fullmatch(said)
    if parts is None:
        raise RuleError(f"must be 0 or a number per s, m, h or d, such as 5/s; it is '{said}'")
    return float(parts[1]) / SECONDS[parts[2]]


def age(sent: Any) -> Duration:
    """An age limit, in whole seconds as the API has it."""
    said = text(sent)
    parts = _AGE.fullmatch(said)
    seconds = 0 if parts is None else math.ceil(float(parts[1]) * SECONDS[parts[2]])
    if not seconds:
        raise RuleError(f"must be more than 0 of s, m, h or d, such as 2d; it is '{said}'")
    return Duration(seconds)


def flag(sent: Any) -> bool:
    """A boolean, in any of the words that YAML has for one."""
    if isinstance(sent, bool):
        return sent
    word = sent.lower() if isinstance(sent, str) else ""
    if word not in _TRUE | _FALSE:
        raise RuleError("must be True or False")
    return word in _TRUE
