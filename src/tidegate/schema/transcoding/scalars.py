"""Single values of JSON as Python values: numbers, text, bytes, enums, times, durations, field masks.

Each reader takes what a JSON parser makes (never None, a list or an object) and raises MisfitError. A query says
everything in text, so text is taken for numbers and booleans too.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from tidegate.schema.limits import MASK_PATHS_MAX
from tidegate.schema.transcoding.violations import MisfitError, UnknownNameError, shorten, shown

Reader = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_DURATION = 315_576_000_000  # seconds; google/protobuf/duration.proto
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)
_DURATION = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,9}))?s", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,20}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?", re.ASCII)  # no power that fills the memory
_NUMBER = re.compile(r"-?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)
_NOT_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_BASE64 = str.maketrans({"-": "+", "_": "/", "\r": None, "\n": None, "\t": None, " ": None, "=": None})


def read_text(value: Any) -> str:
    if not isinstance(value, str):
        raise MisfitError(shown(value))
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half a surrogate pair: no such text on the wire
        raise MisfitError(ascii(value)) from error
    return value


def read_bytes(value: Any) -> bytes:
    """Base64 in either alphabet, with or without padding; line breaks are fine."""
    if not isinstance(value, str):
        raise MisfitError(shown(value))
    packed = value.translate(_BASE64)
    try:
        return binascii.a2b_base64(packed + "=" * (-len(packed) % 4), strict_mode=True)
    except ValueError as error:
        raise MisfitError(f"Base64 decoding failed for {shown(value)}") from error


def read_bool(value: Any) -> bool:
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise MisfitError(shown(value))


def integer_reader(low: int, high: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number: int | None = None
        if isinstance(value, str):
            number = int(value) if _INTEGER.fullmatch(value) else _whole(value)
        elif isinstance(value, float):
            number = int(value) if value.is_integer() else None
        elif not isinstance(value, bool):
            number = value
        if number is None or not low <= number <= high:
            raise MisfitError(shown(value))
        return number

    return read


def _whole(text: str) -> int | None:
    """The whole number that a decimal such as ``10.0`` or ``1e1`` says, exactly; None when it says no such number."""
    if not _DECIMAL.fullmatch(text):
        return None
    decimal = Decimal(text)
    number = int(decimal)
    return number if number == decimal else None


def read_double(value: Any) -> float:
    if isinstance(value, str):
        if value in _NOT_NUMBERS:
            return _NOT_NUMBERS[value]
        if _NUMBER.fullmatch(value):
            return _finite(float(value), value)
    elif not isinstance(value, bool):
        try:
            return _finite(float(value), value)
        except OverflowError as error:
            raise MisfitError(shown(value)) from error
    raise MisfitError(shown(value))


def _finite(number: float, value: Any) -> float:
    if number in {float("inf"), float("-inf")}:
        raise MisfitError(shown(value))
    return number


def enum_reader(descriptor: Any) -> Reader:
    """By name or by number; a number without a name is kept, as on the wire."""
    numbers: dict[str, int] = {name: value.number for name, value in descriptor.values_by_name.items()}

    def read(value: Any) -> int:
        if isinstance(value, str):
            if value in numbers:
                return numbers[value]
            if not _INTEGER.fullmatch(value):
                raise UnknownNameError(shown(value))
        return _read_int32(value)

    return read


_read_int32: Callable[[Any], int] = integer_reader(-(2**31), 2**31 - 1)


def scalar_reader(field: Any) -> Reader:
    """The reader for the values of a field that is no message."""
    return enum_reader(field.enum_type) if field.enum_type else _SCALARS[field.type]


_SCALARS: dict[int, Reader] = {
    FieldDescriptor.TYPE_BOOL: read_bool,
    FieldDescriptor.TYPE_BYTES: read_bytes,
    FieldDescriptor.TYPE_DOUBLE: read_double,
    FieldDescriptor.TYPE_FLOAT: read_double,
    FieldDescriptor.TYPE_INT32: _read_int32,
    FieldDescriptor.TYPE_INT64: integer_reader(-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_STRING: read_text,
    FieldDescriptor.TYPE_UINT32: integer_reader(0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: integer_reader(0, 2**64 - 1),
}


def fill_timestamp(message: Any, value: Any) -> None:
    """RFC 3339 with any offset, up to nanoseconds."""
    if not isinstance(value, str):
        raise MisfitError(f"Invalid data type for timestamp, value is {shown(value)}")
    parts = _TIMESTAMP.fullmatch(value)
    if parts is None:
        if re.search(r"(Z|[+-]\d\d:\d\d)$", value) is None:
            raise MisfitError("Illegal timestamp format; timestamps must end with 'Z' or have a valid timezone offset.")
        raise MisfitError(f"Invalid time format: {shorten(value)}")
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = parts.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
        if sign:
            if int(hours) > 23 or int(minutes) > 59:
                raise MisfitError(f"Invalid time format: {shorten(value)}")
            offset = timedelta(hours=int(hours), minutes=int(minutes))
            moment += -offset if sign == "+" else offset
    except (ValueError, OverflowError) as error:
        raise MisfitError(f"Invalid time format: {shorten(value)}") from error
    elapsed = moment - _EPOCH
    message.seconds = elapsed.days * 86400 + elapsed.seconds
    message.nanos = _nanos(fraction)


def fill_duration(message: Any, value: Any) -> None:
    """Seconds with an ``s`` behind them, up to nanoseconds."""
    if not isinstance(value, str):
        raise MisfitError(f"Invalid data type for duration, value is {shown(value)}")
    parts = _DURATION.fullmatch(value)
    if parts is None:
        if not value.endswith("s"):
            raise MisfitError("Illegal duration format; duration must end with 's'")
        raise MisfitError(f"Invalid duration format, failed to parse seconds: {shorten(value)}")
    sign = -1 if parts[1] else 1
    seconds, nanos = int(parts[2]), _nanos(parts[3])
    if seconds > _LONGEST_DURATION or (seconds == _LONGEST_DURATION and nanos):
        raise MisfitError("Duration value exceeds limits")
    message.seconds = sign * seconds
    message.nanos = sign * nanos


def _nanos(fraction: str | None) -> int:
    return int(fraction.ljust(9, "0")) if fraction else 0


def fill_field_mask(message: Any, value: Any) -> None:
    """Paths with commas between them, in camelCase or snake_case. Whether they name fields is for others to say."""
    text = read_text(value)
    if text:
        if (count := text.count(",") + 1) > MASK_PATHS_MAX:
            raise MisfitError(f"{count} paths, more than {MASK_PATHS_MAX}")
        message.paths.extend(snake_case(path) for path in text.split(","))


def snake_case(name: str) -> str:
    """``maxBurstSize`` as ``max_burst_size``; a name that is in snake_case already stays as it is."""
    return re.sub(r"[A-Z]", lambda capital: "_" + capital[0].lower(), name)


def camel_case(name: str) -> str:
    """``max_burst_size`` as ``maxBurstSize``."""
    return re.sub(r"_([a-z])", lambda small: small[1].upper(), name)
