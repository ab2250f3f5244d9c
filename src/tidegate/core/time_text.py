"""Moments and spans as texts, in the form of protobuf's JSON."""

from __future__ import annotations

from datetime import datetime, timedelta

from tidegate.core.times import MICROSECOND


def rfc3339(when: datetime) -> str:
    """As protobuf's JSON has a Timestamp: no, three or six digits of a second."""
    text = when.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{text}{_fraction(when.microsecond)}Z"


def seconds(span: timedelta) -> str:
    """As protobuf's JSON has a Duration: ``600.001266s``."""
    whole, rest = divmod(span // MICROSECOND, 1_000_000)
    return f"{whole}{_fraction(rest)}s"


def _fraction(micros: int) -> str:
    if not micros:
        return ""
    return f".{micros:06d}" if micros % 1000 else f".{micros // 1000:03d}"
