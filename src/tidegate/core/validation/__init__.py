"""Every check of what callers send, and every default that is filled in.

Queues and tasks come as they were sent: an unset field is 0, empty or None. There are two steps, because the service
looks at a request before it looks at what is stored:

- ``check_queue`` and ``check_task`` look at the request alone;
- ``settle_queue`` and ``settle_target`` look at the result, and return what is to be stored, with defaults filled in.

Every error is an ``InvalidArgument`` with the service's text where that is known. Our own texts name the field and
the rule.
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
