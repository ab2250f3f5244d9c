"""An event of the log as one line, as text or as JSON.

Where it happened stands in fields of its own: whoever logs gives those of ``FIELDS`` that are known as ``extra``. The
trace comes by itself where the event belongs to a recorded span.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from tidegate.observers.traces.current import current

FIELDS: Final = ("request", "queue", "task", "operation", "host", "reason", "trace_id", "span_id")
"""What a log line may say of its event beside the text: the method of the API, names of queue, task and operation, the
host that an attempt called and why it failed, and the trace.
"""

TEXT_MAX: Final = 8192
"""Characters of a text; what is longer ends in an ellipsis."""

FRAMES_MAX: Final = 12
"""Frames of a traceback that a line of text shows, the innermost ones."""

_encode = msgspec.json.Encoder().encode


class JsonLines(logging.Formatter):
    """As objects of JSON, with the names that Cloud Logging reads: time, severity, message."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": _moment(record).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "severity": record.levelname,
            "logger": record.name,
            "message": _shortened(record.getMessage()),
            **_fields(record),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["exception"] = _shortened("".join(traceback.format_exception(record.exc_info[1])).rstrip("\n"))
        return _encode(entry).decode()


class PlainLines(logging.Formatter):
    """As text: time, severity, logger, what happened, then the fields that the text does not show yet."""

    def __init__(self, *, times: bool = True) -> None:
        super().__init__()
        self._times = times

    def format(self, record: logging.LogRecord) -> str:
        text = _shortened(record.getMessage())
        for name, value in _fields(record).items():
            if value not in text:
                text += f" {name}={value}"
        if record.exc_info and record.exc_info[1] is not None:
            text += f": {_in_short(record.exc_info[1])}"
        time = f"{_moment(record):%Y-%m-%d %H:%M:%S}.{_moment(record).microsecond // 1000:03d}Z " if self._times else ""
        return f"{time}{record.levelname} {record.name}: {_on_one_line(text)}"


def _moment(record: logging.LogRecord) -> datetime:
    return datetime.fromtimestamp(record.created, UTC)


def _fields(record: logging.LogRecord) -> Mapping[str, str]:
    known = {name: _shortened(str(value)) for name in FIELDS if (value := record.__dict__.get(name))}
    span = current()
    if span is not None and "trace_id" not in known:
        known |= {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
    return known


def _in_short(error: BaseException) -> str:
    """An exception and where it came from, the innermost frame first."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    places = " < ".join(
        f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in reversed(frames)
    )
    said = f"{type(error).__name__}: {_shortened(str(error))}".removesuffix(": ")
    return f"{said} ({places})" if places else said


def _shortened(text: str) -> str:
    """The text, no longer than it may be, and such that it can be written: names of files may be no Unicode."""
    cut = text if len(text) <= TEXT_MAX else f"{text[:TEXT_MAX]}…"
    return cut if cut.isascii() else cut.encode("utf-8", "backslashreplace").decode()


def _on_one_line(text: str) -> str:
    """The text with its control characters escaped: callers choose names, and a name must not look like a line."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)
