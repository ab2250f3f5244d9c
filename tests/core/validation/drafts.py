"""Tasks as callers send them, and what is made of them."""

from datetime import datetime
from typing import Any

import pytest
from tests.core.examples import NOON, QUEUE, TASK, URL, queue

from tidegate.core.errors import InvalidArgument
from tidegate.core.names import TaskName
from tidegate.core.queue import HttpTarget, Queue, RetryConfig, Token, UriOverride
from tidegate.core.task import HttpRequest, Task
from tidegate.core.times import Duration
from tidegate.core.validation import AppEngineDraft, HttpDraft, NewTask, TaskDraft, check_task, settle_target

AGENT = {"User-Agent": "Google-Cloud-Tasks"}
UNSET_RETRY = RetryConfig(0, Duration(), Duration(), Duration(), 0)
INVALID = "Request contains an invalid argument."


def http(**changes: Any) -> TaskDraft:
    return TaskDraft(target=HttpDraft(**{"url": URL, **changes}))


def app(**changes: Any) -> TaskDraft:
    return TaskDraft(target=AppEngineDraft(**changes))


def timed(when: tuple[int, int]) -> TaskDraft:
    return TaskDraft(target=HttpDraft(URL), schedule_time=when)


def limited(deadline: Duration | None, target: Any = None) -> TaskDraft:
    return TaskDraft(target=target or HttpDraft(URL), dispatch_deadline=deadline)


def checked(draft: TaskDraft, now: datetime = NOON) -> NewTask:
    return check_task(draft, QUEUE, now)


def refusal(draft: TaskDraft) -> str:
    with pytest.raises(InvalidArgument) as caught:
        checked(draft)
    assert caught.value.details == ()
    return caught.value.message


def stored(new: NewTask, where: Queue, name: TaskName, **settings: Any) -> Task:
    return new.stored(name, settle_target(new.target, where, **settings), NOON, NOON)


def settled(draft: TaskDraft, token: Token | None = None, **settings: Any) -> Task:
    routing = None if token is None else HttpTarget(UriOverride(host="elsewhere.example"), token=token)
    return stored(checked(draft), queue(http_target=routing), TASK, **settings)


def token_of(task: Task) -> Token | None:
    assert isinstance(task.target, HttpRequest)
    return task.target.token
