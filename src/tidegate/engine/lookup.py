"""Queues in the store: the one that a call names, and all of a location."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from tidegate.core import refusals
from tidegate.core.errors import ApiError
from tidegate.core.queue import Kind
from tidegate.engine.ports.store import Reader, StoredQueue

PAGE: Final = 1000  # queues read in one step


def found(
    stored: StoredQueue | None, otherwise: Callable[[], ApiError] = refusals.queue_missing, *, push_only: bool = False
) -> StoredQueue:
    """The queue, or the documented NotFound. With ``push_only`` a pull queue is not there: v2 knows none."""
    if stored is None or not is_shown(stored, push_only=push_only):
        raise otherwise()
    return stored


def is_shown(stored: StoredQueue, *, push_only: bool) -> bool:
    """Whether callers may know of the queue: all of it, or with ``push_only`` unless it is a pull queue."""
    return not push_only or stored.queue.kind is not Kind.PULL


def queues_of(reader: Reader, parent: str) -> Iterator[StoredQueue]:
    """Every queue of ``projects/P/locations/L``."""
    after = ""
    while page := reader.queues(parent, after, PAGE):
        yield from page
        after = page[-1].queue.name.queue
