"""Lists of v2beta2 that fetch their next page when it is needed. Written by ``make faces``."""

from tidegate.client.pagers import AsyncPager, Pager
from tidegate.schema.v2beta2 import (
    ListQueuesRequest,
    ListQueuesResponse,
    ListTasksRequest,
    ListTasksResponse,
    Queue,
    Task,
)


class ListQueuesPager(Pager[ListQueuesResponse, Queue]):
    """The queues of all pages. Other attributes are those of the latest page.

    Iterate with ``for``; over ``pages`` for whole responses.
    """

    _request_type = ListQueuesRequest
    _items = "queues"


class ListQueuesAsyncPager(AsyncPager[ListQueuesResponse, Queue]):
    """The queues of all pages. Other attributes are those of the latest page.

    Iterate with ``async for``; over ``pages`` for whole responses.
    """

    _request_type = ListQueuesRequest
    _items = "queues"


class ListTasksPager(Pager[ListTasksResponse, Task]):
    """The tasks of all pages. Other attributes are those of the latest page.

    Iterate with ``for``; over ``pages`` for whole responses.
    """

    _request_type = ListTasksRequest
    _items = "tasks"


class ListTasksAsyncPager(AsyncPager[ListTasksResponse, Task]):
    """The tasks of all pages. Other attributes are those of the latest page.

    Iterate with ``async for``; over ``pages`` for whole responses.
    """

    _request_type = ListTasksRequest
    _items = "tasks"
