"""Many values, or many rows, as one value of a statement.

Each row that SQLite steps to gives the interpreter lock away, and getting it back costs more than writing and reading
JSON. So statements take arrays and answer with one array of rows, in which bytes are hexadecimal digits.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import apsw
import msgspec

from tidegate.storage.rows import DueRow, LeaseRow

IN: Final = "IN (SELECT value FROM carray(?))"
"""One of the values of an array."""

_BODY: Final = (
    "CASE WHEN body IS NULL THEN (SELECT length(body) FROM bodies WHERE task = seq) ELSE hex(body) END"  # or its size
)
DUE: Final = (
    "json_array(seq, id, schedule_time, create_time, dispatch_count, response_count, answer_count, first_dispatch_at,"
    f" hex(last_attempt), hex(settings), {_BODY})"
)
"""``rows.DUE_COLUMNS``."""
LEASABLE: Final = f"json_array(seq, id, schedule_time, create_time, dispatch_count, hex(settings), {_BODY})"
"""``rows.LEASE_COLUMNS``."""

_encoder: Final = msgspec.json.Encoder()
_due_decoder: Final = msgspec.json.Decoder(
    list[tuple[int, str, int, int, int, int, int, int | None, str, str, str | int]]
)
_leasable_decoder: Final = msgspec.json.Decoder(list[tuple[int, str, int, int, int, str, str | int]])
_lease_decoder: Final = msgspec.json.Decoder(list[tuple[str, int, int]])
_removable_decoder: Final = msgspec.json.Decoder(list[tuple[int, str, int]])
_due_first: Final = itemgetter(2, 0)


def numbers(values: Sequence[int]) -> Any:
    """Numbers for ``IN``."""
    return apsw.carray(array("q", values))


def texts(values: Sequence[str]) -> Any:
    """Texts for ``IN``."""
    return apsw.carray(tuple(values))


def json_rows(rows: Sequence[Any]) -> str:
    """Rows for ``json_each``."""
    return _encoder.encode(rows).decode()


def due_rows(found: str) -> Sequence[DueRow]:
    """The rows of an array of ``DUE``, by their schedule times and then as they were created.

    SQLite finds them in this order, but promises it for an array only if it sorts them; Python notices that they are.
    """
    decoded = _due_decoder.decode(found)
    decoded.sort(key=_due_first)
    return decoded


def leasable_rows(found: str) -> Sequence[LeaseRow]:
    """The rows of an array of ``LEASABLE``, in the same order."""
    decoded = _leasable_decoder.decode(found)
    decoded.sort(key=_due_first)
    return decoded


def lease_rows(found: str) -> list[tuple[str, int, int]]:
    """The rows of an array of ID, schedule time and leases."""
    return _lease_decoder.decode(found)


def removable_rows(found: str) -> list[tuple[int, str, int]]:
    """The rows of an array of seq, ID and whether the body stands apart."""
    return _removable_decoder.decode(found)
