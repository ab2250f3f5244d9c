"""Numbers, spans, sizes and times as people read them."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final

NOTHING: Final = "–"  # noqa: RUF001 - a dash for "no value"
NO_ANSWER: Final = "no answer"

_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))
_SIZES: Final = ("kB", "MB", "GB", "TB")


def number(value: float) -> str:
    """22140 as ``22,140``; 3.8 as ``3.8``; 0.25 as ``0.25``; at most two digits after the point."""
    if not math.isfinite(value):
        return NOTHING
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def span(wait: timedelta | float) -> str:
    """The largest unit that fits: ``61 ms``, ``3.1 s``, ``41 s``, ``11 m``, ``3 h``, ``6 d``."""
    seconds = wait.total_seconds() if isinstance(wait, timedelta) else wait
    if seconds < 0:
        return "-" + span(-seconds)
    if 0 < seconds < 0.000_95:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    for size, unit in _UNITS:
        if seconds >= size * 0.9999:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def exact_span(wait: timedelta) -> str:
    """A setting as it would be typed: ``1 h 30 m``, ``0.1 s``, ``2 d``."""
    seconds = wait.total_seconds()
    if seconds == 0:
        return "0 s"
    parts = []
    for size, unit in _UNITS[:-1]:
        many, seconds = divmod(seconds, size)
        if many:
            parts.append(f"{many:,.0f} {unit}")
    if seconds:
        parts.append(f"{seconds:.6f}".rstrip("0").rstrip(".") + " s")
    return " ".join(parts)


def ago(moment: datetime, now: datetime) -> str:
    """``14 m ago``, ``in 41 s``; ``now`` within a second."""
    apart = (now - moment).total_seconds()
    if abs(apart) < 1:
        return "now"
    return f"{_whole(apart)} ago" if apart > 0 else f"in {_whole(-apart)}"


def due(moment: datetime, now: datetime) -> str:
    """When something is or was due: ``in 41 s``, ``now``, ``11 m late``."""
    late = (now - moment).total_seconds()
    if abs(late) < 1:
        return "now"
    return f"{_whole(late)} late" if late > 0 else f"in {_whole(-late)}"


def _whole(seconds: float) -> str:
    return span(max(round(seconds), 1)).replace(".0 s", " s")


def size(count: int) -> str:
    """``0 B``, ``812 B``, ``1.2 kB``, ``96 kB``, ``1.0 MB``; a kB is 1,000 bytes."""
    if count < 1000:
        return f"{count} B"
    value, power = count / 1000, 0
    while value >= 999.5 and power + 1 < len(_SIZES):
        value, power = value / 1000, power + 1
    unit = _SIZES[power]
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def clock(moment: datetime) -> str:
    """The time of day in UTC: ``12:30:49``."""
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def precise(moment: datetime) -> str:
    """The time of day in UTC with milliseconds: ``12:30:49.641``."""
    return f"{moment.astimezone(UTC):%H:%M:%S}.{moment.microsecond // 1000:03}"


def day(moment: datetime) -> str:
    """``30 Nov 2026``."""
    return f"{moment.astimezone(UTC):%-d %b %Y}"


def iso(moment: datetime) -> str:
    """For machines: ``2026-11-30T12:30:49.641000Z``."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


_STAMP: Final = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z\b")
_STATUS: Final = re.compile(r"\b[A-Z_]+\(\d+\): HTTP status code (\d+)\b")
_WAIT: Final = re.compile(r"(?<= in )(\d+(?:\.\d+)?)s\b")


def reason(text: str) -> str:
    """A text of the API with its times and statuses as people read them: ``at 2026-11-30 12:30:49 UTC, in 41 s``."""
    text = _STATUS.sub(lambda found: _status(int(found[1])), text)
    return _WAIT.sub(lambda found: span(float(found[1])), _STAMP.sub(r"\1 \2 UTC", text))


def _status(code: int) -> str:
    return f"{code} {phrase(code)}".rstrip() if code else NO_ANSWER


def phrase(status: int) -> str:
    """``Service Unavailable`` for 503; nothing for a number without a name."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def plural(count: int, one: str, many: str = "") -> str:
    """``1 task``, ``22,140 tasks``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


# What changes the order in which text is read, or is not seen: shown by its number, so that it cannot deceive.
_UNSEEN: Final = {
    code: f"[U+{code:04X}]"
    for code in (
        *range(0x09),
        *range(0x0B, 0x0D),
        *range(0x0E, 0x20),
        *range(0x7F, 0xA0),
        0x061C,
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
        *range(0xFFF9, 0xFFFC),
        *range(0xE0000, 0xE0080),
    )
}


def plain(text: str) -> str:
    """``text`` with characters that are not seen or turn its direction written as ``[U+202E]``."""
    return text if text.isascii() and text.isprintable() else text.translate(_UNSEEN)
