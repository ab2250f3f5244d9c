"""Page sizes as sent (schema, ListQueuesRequest and ListTasksRequest)."""

from __future__ import annotations

from typing import Final

from tidegate.core.errors import InvalidArgument

QUEUES_PAGE_MAX: Final = 9800
TASKS_PAGE_MAX: Final = 1000
LOCATIONS_PAGE_MAX: Final = 1000
"""Our choice. The service answers all of them unless it is asked for fewer."""
OPERATOR_PAGE_MAX: Final = 1000
"""Our choice, for lists that Cloud Tasks does not have."""
STATUSES_PAGE: Final = 100
"""Queues of a page of statuses, unless more are asked for: what a screen shows, for each takes some counting."""
PAGE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Bytes after which a page ends, with at least one entry on it. Our choice: gRPC clients accept no larger message by
default, and the API allows a page with fewer entries than were asked for."""


def queues_page_size(sent: int) -> int:
    """How many queues a page may hold: the cap for 0 and for more than the cap."""
    return _page_size("ListQueuesRequest", sent, QUEUES_PAGE_MAX)


def tasks_page_size(sent: int) -> int:
    """How many tasks a page may hold: the cap for 0 and for more than the cap."""
    return _page_size("ListTasksRequest", sent, TASKS_PAGE_MAX)


def locations_page_size(sent: int) -> int:
    """How many locations a page may hold: the cap for 0 and for more than the cap."""
    return _page_size("ListLocationsRequest", sent, LOCATIONS_PAGE_MAX)


def operations_page_size(sent: int) -> int:
    """How many operations a page may hold: the cap for 0 and for more than the cap."""
    return _page_size("ListOperationsRequest", sent, OPERATOR_PAGE_MAX)


def attempts_page_size(sent: int) -> int:
    """How many attempts a page may hold: the cap for 0 and for more than the cap."""
    return _page_size("ListAttemptsRequest", sent, OPERATOR_PAGE_MAX)


def dead_tasks_page_size(sent: int) -> int:
    """How many dead tasks a page may hold: the cap for 0 and for more than the cap."""
    return _page_size("ListDeadTasksRequest", sent, OPERATOR_PAGE_MAX)


def faults_page_size(sent: int) -> int:
    """How many faults a page may hold: the cap for 0 and for more than the cap."""
    return _page_size("ListFaultsRequest", sent, OPERATOR_PAGE_MAX)


def statuses_page_size(sent: int) -> int:
    """How many queue statuses a page may hold: a hundred for 0, and the cap for more than the cap."""
    return _page_size("ListQueueStatusesRequest", sent or STATUSES_PAGE, OPERATOR_PAGE_MAX)


def found_page_size(sent: int) -> int:
    """How many tasks a page of a search may hold: the cap for 0 and for more than the cap."""
    return _page_size("SearchTasksRequest", sent, TASKS_PAGE_MAX)


def _page_size(request: str, sent: int, most: int) -> int:
    if sent < 0:
        raise InvalidArgument(f"{request}.pageSize cannot be negative.")
    return min(sent, most) or most
