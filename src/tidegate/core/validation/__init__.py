"""The one door for what callers send: everything that a rule must check or complete goes through here.

Queues and tasks come as they were sent; what is unset there is 0, empty or None. The checks come in two steps, for the
service looks at a request before it looks at what is stored:

- ``check_queue`` and ``check_task`` look at the request alone;
- ``settle_queue`` and ``settle_target`` look at what becomes of it, and return what is stored, defaults filled in.

Every error is an ``InvalidArgument`` with the service's text where that is known; our own name the field and the rule.
"""

from tidegate.core.validation.batch import (
    NoDeleteSucceeded,
    check_create_batch,
    check_create_count,
    check_delete_batch,
    check_deleted_name,
)
from tidegate.core.validation.paging import PAGE_BYTES_MAX, locations_page_size, queues_page_size, tasks_page_size
from tidegate.core.validation.queue import Ceilings, check_queue, settle_queue
from tidegate.core.validation.retry import check_attempts
from tidegate.core.validation.task import (
    AppEngineDraft,
    HttpDraft,
    NewTask,
    PullDraft,
    TaskDraft,
    check_task,
    settle_target,
)

__all__ = [
    "PAGE_BYTES_MAX",
    "AppEngineDraft",
    "Ceilings",
    "HttpDraft",
    "NewTask",
    "NoDeleteSucceeded",
    "PullDraft",
    "TaskDraft",
    "check_attempts",
    "check_create_batch",
    "check_create_count",
    "check_delete_batch",
    "check_deleted_name",
    "check_queue",
    "check_task",
    "locations_page_size",
    "queues_page_size",
    "settle_queue",
    "settle_target",
    "tasks_page_size",
]
