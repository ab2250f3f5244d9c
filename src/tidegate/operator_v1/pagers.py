"""Lists that fetch their next page when it is needed. Written by ``make faces``."""

from tidegate.client.pagers import AsyncPager, Pager
from tidegate.schema.operator import (
    Attempt,
    AuditEntry,
    DeadTask,
    Fault,
    ListAttemptsRequest,
    ListAttemptsResponse,
    ListAuditEntriesRequest,
    ListAuditEntriesResponse,
    ListDeadTasksRequest,
    ListDeadTasksResponse,
    ListFaultsRequest,
    ListFaultsResponse,
    ListQueueStatusesRequest,
    ListQueueStatusesResponse,
    QueueStatus,
    SearchTasksRequest,
    SearchTasksResponse,
)
from tidegate.schema.v2beta3 import Task


class ListQueueStatusesPager(Pager[ListQueueStatusesResponse, QueueStatus]):
    """The statuses of all pages. Other attributes are those of the latest page."""

    _request_type = ListQueueStatusesRequest
    _items = "statuses"


class ListQueueStatusesAsyncPager(AsyncPager[ListQueueStatusesResponse, QueueStatus]):
    """The statuses of all pages. Other attributes are those of the latest page."""

    _request_type = ListQueueStatusesRequest
    _items = "statuses"


class SearchTasksPager(Pager[SearchTasksResponse, Task]):
    """The tasks of all pages. Other attributes are those of the latest page."""

    _request_type = SearchTasksRequest
    _items = "tasks"


class SearchTasksAsyncPager(AsyncPager[SearchTasksResponse, Task]):
    """The tasks of all pages. Other attributes are those of the latest page."""

    _request_type = SearchTasksRequest
    _items = "tasks"


class ListAttemptsPager(Pager[ListAttemptsResponse, Attempt]):
    """The attempts of all pages. Other attributes are those of the latest page."""

    _request_type = ListAttemptsRequest
    _items = "attempts"


class ListAttemptsAsyncPager(AsyncPager[ListAttemptsResponse, Attempt]):
    """The attempts of all pages. Other attributes are those of the latest page."""

    _request_type = ListAttemptsRequest
    _items = "attempts"


class ListDeadTasksPager(Pager[ListDeadTasksResponse, DeadTask]):
    """The dead_tasks of all pages. Other attributes are those of the latest page."""

    _request_type = ListDeadTasksRequest
    _items = "dead_tasks"


class ListDeadTasksAsyncPager(AsyncPager[ListDeadTasksResponse, DeadTask]):
    """The dead_tasks of all pages. Other attributes are those of the latest page."""

    _request_type = ListDeadTasksRequest
    _items = "dead_tasks"


class ListFaultsPager(Pager[ListFaultsResponse, Fault]):
    """The faults of all pages. Other attributes are those of the latest page."""

    _request_type = ListFaultsRequest
    _items = "faults"


class ListFaultsAsyncPager(AsyncPager[ListFaultsResponse, Fault]):
    """The faults of all pages. Other attributes are those of the latest page."""

    _request_type = ListFaultsRequest
    _items = "faults"


class ListAuditEntriesPager(Pager[ListAuditEntriesResponse, AuditEntry]):
    """The entries of all pages. Other attributes are those of the latest page."""

    _request_type = ListAuditEntriesRequest
    _items = "entries"


class ListAuditEntriesAsyncPager(AsyncPager[ListAuditEntriesResponse, AuditEntry]):
    """The entries of all pages. Other attributes are those of the latest page."""

    _request_type = ListAuditEntriesRequest
    _items = "entries"
