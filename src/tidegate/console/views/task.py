"""A task: why it is not running, its attempts, its request, and the same call by hand."""

from __future__ import annotations

import asyncio
import shlex
from typing import Any, Final

from tidegate.console.answer import Answer, download
from tidegate.console.attempt_rows import AttemptRow, attempt_row
from tidegate.console.gates import gates_of
from tidegate.console.snapshot import moment
from tidegate.console.states import task_state
from tidegate.console.tasks_table import body_of, headers_of, target_of
from tidegate.console.views.task_body import TABS, full_task, show
from tidegate.console.visit import Visit, if_built
from tidegate.core.errors import ApiError, NotFound
from tidegate.core.names import TaskName
from tidegate.schema.operator import Operator
from tidegate.schema.operator.replay import RenderRequestRequest
from tidegate.schema.v2beta3 import CloudTasks

Format = RenderRequestRequest.Format
REPLAYED_MAX: Final = 1024
"""Bytes of the answer that a replay shows."""
FORMS: Final = (("gcloud", "gcloud", None), ("curl", "curl", Format.CURL), ("python", "Python", Format.PYTHON))


async def task(visit: Visit, name: TaskName, replayed: AttemptRow | None = None) -> Answer:
    try:
        found = await full_task(visit, name)
    except NotFound as error:
        return await _gone(visit, name, error)
    asked = visit.request.asked
    queue, status, explained, attempts, curl = await asyncio.gather(
        visit.calls(CloudTasks.get_queue, name=name.parent),
        visit.calls(Operator.get_queue_status, name=f"{name.parent}/status"),
        _maybe(visit, Operator.explain_task, name=name),
        _maybe(visit, Operator.list_attempts, parent=name, page_size=100),
        _maybe(visit, Operator.render_request, name=name, format=Format.CURL),
    )
    rows = [attempt_row(each) for each in attempts.attempts] if attempts is not None else []
    chosen = asked("attempt") or (str(rows[0].number) if rows else "")
    form = asked("by", "gcloud")
    verb, url = target_of(found)
    return visit.page(
        "task.html",
        title=name.task,
        section="queues",
        name=name,
        task=found,
        state=task_state(found, visit.now),
        explained=explained,
        gates=gates_of(found, queue, status, visit.now),
        attempts=rows,
        has_attempts=attempts is not None,
        chosen=chosen,
        verb=verb,
        url=url,
        headers=headers_of(found),
        authorization=_authorization(found),
        shown=await show(body_of(found), asked("as")),
        tabs=TABS,
        curl=curl.text if curl is not None else "",
        form=form,
        forms=FORMS,
        by_hand=await _by_hand(visit, name, form, curl),
        queue=queue,
        scheduled=moment(found, "schedule_time"),
        created=moment(found, "create_time"),
        first=moment(found.first_attempt, "dispatch_time"),
        replayed=replayed,
    )


async def har(visit: Visit, name: TaskName) -> Answer:
    """The request of the next attempt as an HTTP archive."""
    answer = await visit.calls(Operator.render_request, name=name, format=Format.HAR)
    return download(answer.text.encode(), f"{name.task[:100]}.har")


async def replay(visit: Visit, name: TaskName) -> Answer:
    """Send the request once more and show what came back. Nothing of the task changes."""
    attempt = await visit.calls(Operator.replay_task, name=name, body_limit=REPLAYED_MAX)
    return await task(visit, name, replayed=attempt_row(attempt))


async def _maybe(visit: Visit, row: Any, **fields: Any) -> Any:
    """The answer; None where the method is not built, or the caller may not, or there is nothing."""
    try:
        return await if_built(visit.calls(row, **fields))
    except ApiError:
        return None


async def _by_hand(visit: Visit, name: TaskName, form: str, curl: Any) -> str:
    if form == "curl":
        return curl.text if curl is not None else ""
    if form == "python":
        answer = await _maybe(visit, Operator.render_request, name=name, format=Format.PYTHON)
        return answer.text if answer is not None else ""
    queue = name.parent
    words = ["gcloud", "tasks", "run", name.task]
    flags = [f"--queue={queue.queue}", f"--location={queue.location}", f"--project={queue.project}"]
    return f"{shlex.join(words)} \\\n  {shlex.join(flags)}"


def _authorization(task: Any) -> str:
    """Whose token the attempts carry, in words; empty for none."""
    request = task.http_request
    kind = request.WhichOneof("authorization_header") if task.HasField("http_request") else None
    if kind is None:
        return ""
    token = getattr(request, kind)
    return f"{'OIDC' if kind == 'oidc_token' else 'OAuth'} token for {token.service_account_email}"


async def _gone(visit: Visit, name: TaskName, error: NotFound) -> Answer:
    """404, with what is known of the task's end."""
    explained = await _maybe(visit, Operator.explain_task, name=name)
    attempts = await _maybe(visit, Operator.list_attempts, parent=name, page_size=100)
    return visit.page(
        "gone.html",
        code=404,
        title=name.task,
        section="queues",
        name=name,
        error=error,
        reason=explained.reasons[0] if explained is not None and explained.reasons else None,
        attempts=[attempt_row(each) for each in attempts.attempts] if attempts is not None else [],
        chosen=visit.request.asked("attempt"),
    )
