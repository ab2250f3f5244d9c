"""Documents, the small values beside the queues: all of a kind, and the mark by which nodes notice other policies."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tidegate.engine.ports.store import Reader, Transaction

PAGE: Final = 1000
"""Documents read in one step."""

_MARK: Final = "access_mark"


def all_documents(reader: Reader, kind: str, now: datetime, after: str = "") -> Iterator[tuple[str, bytes]]:
    """Names and values of all documents of a kind, or of those behind a name, by name."""
    while page := reader.documents(kind, "", after, PAGE, now):
        yield from page
        after = page[-1][0]


def note_access_change(tx: Transaction, mark: bytes) -> None:
    """Note that policies, accounts or keys are others now. ``mark`` is fresh."""
    tx.put_document(_MARK, "", mark)


def access_mark(reader: Reader, now: datetime) -> bytes:
    """Another value after each change of policies, accounts or keys, by whatever node."""
    return reader.document(_MARK, "", now) or b""
