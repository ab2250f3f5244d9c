"""Tasks that were given up: those of a queue, and failures of all queues in groups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Struct

from tidegate.console.answer import Answer, download
from tidegate.console.attempt_rows import attempt_row
from tidegate.console.places import all_queues, from_each
from tidegate.console.queue_head import head_of
from tidegate.console.snapshot import moment
from tidegate.console.tasks_table import body_of, target_of
from tidegate.console.visit import Visit, if_built
from tidegate.core.errors import FailedPrecondition, InvalidArgument, Unimplemented
from tidegate.core.names import QUEUE, QueueName
from tidegate.schema.operator import DeadTask, Operator
from tidegate.schema.transcoding.json_write import encode, to_json

PAGE_SIZE: Final = 50


class DeadRow(Struct, frozen=True):
    """A dead letter as a row."""

    name: str
    id: str
    task: str
    died: datetime | None
    reason: str
    attempts: int
    last: Any
    verb: str
    url: str
    expires: datetime | None
    group: str


def dead_row(dead: Any) -> DeadRow:
    verb, url = target_of(dead.task)
    return DeadRow(
        name=dead.name,
        id=dead.name.rpartition("/")[2],
        task=dead.task.name.rpartition("/")[2],
        died=moment(dead, "death_time"),
        reason=DeadTask.Reason(dead.reason).name.replace("_", " ").lower(),
        attempts=dead.task.dispatch_count,
        last=attempt_row(dead.last_attempt) if dead.HasField("last_attempt") else None,
        verb=verb,
        url=url,
        expires=moment(dead, "expire_time"),
        group=dead.error_group,
    )


async def dead_letters(visit: Visit, name: QueueName) -> Answer:
    head = await head_of(visit, name, "dead-letters")
    chosen, token = visit.request.asked("group"), visit.request.asked("after")
    wanted = _of_group(chosen)
    page = await if_built(
        visit.calls(Operator.list_dead_tasks, parent=name, filter=wanted, page_size=PAGE_SIZE, page_token=token)
    )
    groups = await if_built(visit.calls(Operator.group_dead_tasks, parent=name))
    following = None
    if page is not None and page.next_page_token and page.dead_tasks:
        following = "dead-letters?" + urlencode({"group": chosen, "after": page.next_page_token})
    return visit.page(
        "dead_letters.html",
        title=f"{name.queue}: dead letters",
        section="queues",
        head=head,
        built=page is not None,
        rows=[dead_row(each) for each in page.dead_tasks] if page is not None else [],
        groups=list(groups.groups) if groups is not None else [],
        chosen=chosen,
        next=following,
        previous="dead-letters" if token else None,
    )


def _of_group(group: str) -> str:
    if group and not group.isalnum():
        raise InvalidArgument(f"{group[:40]!r} is no group of errors.")
    return f'error_group="{group}"' if group else ""


async def change(visit: Visit, name: QueueName) -> Answer:
    """Redrive or purge: one, those selected, those of a group, or all."""
    sent = visit.request.sent
    action = sent("do")
    names = list(visit.request.form.get("name", ()))
    if sent("one"):
        action, _, one = sent("one").partition(" ")
        names = [one]
    wanted = _of_group(sent("group"))
    if not names and not wanted and sent("all") != "yes":
        raise FailedPrecondition("Nothing was changed: no dead letter was selected.")
    if action == "redrive":
        await visit.calls(Operator.redrive_dead_tasks, parent=name, names=names, filter="" if names else wanted)
        return visit.go(f"{name}/dead-letters", notice="redriven")
    if action != "delete":
        raise InvalidArgument("Only redrive and delete are known here.")
    if names:
        for each in names:
            await visit.calls(Operator.delete_dead_task, name=each)
    else:
        await visit.calls(Operator.purge_dead_tasks, parent=name, filter=wanted)
    return visit.go(f"{name}/dead-letters", notice="deleted")


async def saved(visit: Visit, name: QueueName) -> Answer:
    """All dead letters of a queue as a file of JSON lines, or the body of one."""
    one = visit.request.asked("body")
    if one:
        dead = await visit.calls(Operator.get_dead_task, name=f"{name}/deadTasks/{one}")
        return download(body_of(dead.task), f"{one[:100]}.bin")
    lines: list[bytes] = []
    token, more = "", True
    while more:  # a queue keeps 10,000 unless told otherwise
        page = await visit.calls(Operator.list_dead_tasks, parent=name, page_size=100, page_token=token)
        lines += [encode(to_json(each), pretty=False) for each in page.dead_tasks]
        token = page.next_page_token
        more = bool(token and page.dead_tasks)
    stamp = datetime.now(UTC).strftime("%Y%m%d")
    return download(b"\n".join([*lines, b""]), f"{name.queue}-dead-letters-{stamp}.jsonl")


async def failures(visit: Visit) -> Answer:
    """Dead letters of all queues, those that failed alike together, the largest group first."""
    rows = sorted(await all_queues(visit), key=lambda row: -row.dead)
    queues = [row.name for row in rows if row.dead]
    built = True
    try:
        answers = await from_each(visit, Operator.group_dead_tasks, queues)
    except Unimplemented:
        answers, built = [], False
    groups = [
        {
            "queue": QUEUE.parse(parent),
            "group": group,
            "first": moment(group, "first_time"),
            "last": moment(group, "last_time"),
        }
        for parent, answer in answers
        for group in answer.groups
    ]
    groups.sort(key=lambda each: -each["group"].count)
    failing = [row for row in rows if row.failing]
    return visit.page(
        "failures.html", title="Failures", section="failures", groups=groups, failing=failing, built=built
    )
