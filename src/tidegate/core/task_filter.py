"""Which tasks of a queue a filter chooses, in the language of lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from tidegate.core.errors import Code
from tidegate.core.listing import FieldKind, FilterField, Schema, compile_filter, plain, read_time
from tidegate.core.listing.grammar import All, Node, Restriction, parse
from tidegate.core.task import AppEngineRequest, HttpRequest, PullMessage, Task
from tidegate.core.times import micros
from tidegate.core.urls import split

TaskChooser = Callable[[Task], bool]

AFTER_ALL: Final = "\x7f"
"""Sorts after every character of a task ID."""


def _nanos(moment: datetime) -> int:
    return micros(moment) * 1000


def _last_status(task: Task) -> int | None:
    last = task.last_attempt
    return None if last is None or last.status is None else int(last.status.code)


def _last_http_status(task: Task) -> int | None:
    return None if task.last_attempt is None else task.last_attempt.http_status


def _url(task: Task) -> str:
    return task.target.url if isinstance(task.target, HttpRequest) else ""


def _http(task: Task) -> HttpRequest | None:
    return task.target if isinstance(task.target, HttpRequest) else None


def _app_engine(task: Task) -> AppEngineRequest | None:
    return task.target if isinstance(task.target, AppEngineRequest) else None


def _pull(task: Task) -> PullMessage | None:
    return task.target if isinstance(task.target, PullMessage) else None


def _host(task: Task) -> str:
    url = split(_url(task))
    return "" if url is None else url.host


def _tag(task: Task) -> str | None:
    return task.target.tag if isinstance(task.target, PullMessage) else None


def _named(fields: Mapping[str, FilterField]) -> Schema:
    return {plain(name): field for name, field in fields.items()}


def _text(read: Callable[[Any], str | None]) -> FilterField:
    return FilterField(FieldKind.TEXT, read)


def _number(read: Callable[[Any], int | None]) -> FilterField:
    return FilterField(FieldKind.NUMBER, read)


def _inside(read: Callable[[Any], Any], **fields: FilterField) -> FilterField:
    return FilterField(FieldKind.MESSAGE, read, inside=_named(fields))


def _time(read: Callable[[Any], datetime | None]) -> FilterField:
    return FilterField(FieldKind.TIME, lambda value: None if (moment := read(value)) is None else _nanos(moment))


FIELDS: Final[Schema] = _named(
    {
        "name": _text(lambda task: task.name),
        "task_id": _text(lambda task: task.name.task),
        "create_time": _time(lambda task: task.create_time),
        "schedule_time": _time(lambda task: task.schedule_time),
        "dispatch_count": _number(lambda task: task.dispatch_count),
        "response_count": _number(lambda task: task.response_count),
        "last_status": FilterField(FieldKind.ENUM, _last_status, choices={code.name: code.value for code in Code}),
        "last_http_status": _number(_last_http_status),
        "url": _text(_url),
        "url_host": _text(_host),
        "tag": _text(_tag),
        "http_request": _inside(_http, url=_text(lambda http: http.url)),
        "app_engine_http_request": _inside(_app_engine, relative_uri=_text(lambda request: request.relative_uri)),
        "pull_message": _inside(_pull, tag=_text(lambda message: message.tag)),
        "first_attempt": _inside(
            lambda task: task if task.first_dispatch_time else None,
            dispatch_time=_time(lambda task: task.first_dispatch_time),
        ),
        "last_attempt": _inside(
            lambda task: task.newest_attempt,
            dispatch_time=_time(lambda attempt: attempt.dispatch_time),
            response_time=_time(lambda attempt: attempt.response_time),
            response_status=_inside(
                lambda attempt: attempt.status,
                code=_number(lambda status: int(status.code)),
                message=_text(lambda status: status.message),
            ),
        ),
    }
)
"""What a filter can ask about: fields of the API's Task, and further ones. ``last_status`` is the code of the last
attempt's ``response_status``, such as UNAVAILABLE; ``url_host`` is the host of the task's own URL, before the queue's
routing.
"""


def task_chooser(text: str) -> TaskChooser:
    """The test that a filter describes; an empty one chooses everything. Raises InvalidArgument."""
    return compile_filter(text, FIELDS)


class IdRange(Struct, frozen=True):
    """Where tasks can lie that a filter chooses, in the order of their IDs: after ``after``, and before ``before``
    unless that is empty.
    """

    after: str = ""
    before: str = ""


def id_range(text: str) -> IdRange:
    """What a filter says about IDs with ``task_id>="a" task_id<"b"``: everything else need not be looked at."""
    after, before = "", ""
    for each in _demands(parse(text)):
        if plain(each.path) != "taskid" or not each.value:
            continue
        if each.operator == ">":
            after = max(after, each.value)
        elif each.operator == ">=":
            after = max(after, _just_before(each.value))
        elif each.operator == "<":
            before = min(before or each.value, each.value)
        elif each.operator == "<=":
            before = min(before or each.value + "\0", each.value + "\0")
    return IdRange(after, before)


class TimeRange(Struct, frozen=True):
    """Between which schedule times all tasks lie that a filter chooses, in microseconds since 1970; None: no bound."""

    earliest: int | None = None
    latest: int | None = None


def schedule_range(text: str) -> TimeRange:
    """What a filter says of schedule times with ``schedule_time>"…" schedule_time<"…"``."""
    earliest, latest = [], []
    for each in _demands(parse(text)):
        moment = read_time(each.value) if plain(each.path) == "scheduletime" and each.value else None
        if moment is None:
            continue
        if each.operator in {">", ">="}:
            earliest.append(moment // 1000)
        elif each.operator in {"<", "<="}:
            latest.append(moment // 1000)
    return TimeRange(max(earliest, default=None), min(latest, default=None))


def _demands(node: Node) -> list[Restriction]:
    """The restrictions that every chosen task fulfils."""
    if isinstance(node, Restriction):
        return [node]
    if isinstance(node, All):
        return [each for part in node.parts for each in _demands(part)]
    return []


def _just_before(text: str) -> str:
    """A text after all IDs that sort before this one, and before it itself."""
    last = ord(text[-1])
    return text[:-1] + (chr(last - 1) + AFTER_ALL if last else "")
