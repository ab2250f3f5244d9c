"""The commands that show lists: page by page, filtered, sorted, counted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from tidegate.cli.line import Line
from tidegate.cli.output.formats import value_at
from tidegate.cli.output.printing import show, table, with_floats
from tidegate.cli.run.calls import request_body, the_call
from tidegate.cli.run.filters import chooser
from tidegate.cli.run.session import Session

SERVER_FILTERS = frozenset({"ListQueues", "ListAttempts", "ListDeadTasks", "GroupDeadTasks"})
"""The lists that the server filters itself."""


def show_list(session: Session) -> None:
    """List what the command lists."""
    line = session.line
    work = the_call(line)
    path = work.path.format(**session.names())
    query: dict[str, Any] = {}
    condition = line.value("--filter")
    if condition and work.rpc in SERVER_FILTERS:
        query["filter"] = condition
    chosen = chooser(condition)
    pages = _pages(session, path, query, session.line.value("--page-size"), _wanted(line))
    _show(session, (record for page in pages for record in page if query or chosen(record)))


def lease(session: Session) -> None:
    """Lease tasks and list them."""
    line = session.line
    work, names = the_call(line), session.names()
    body = request_body(line, work.body or {}, names)
    if line.has("--oldest-tag"):
        body["filter"] = "tag_function=oldest_tag()"
    answer = session.call(work.verb, work.path.format(**names), body=body)
    _show(session, filter(chooser(line.value("--filter")), answer.get("tasks", ())), limited=False)


def _wanted(line: Line) -> int | None:
    """How many records the pages must bring at most; None where more may be needed to choose or sort."""
    return None if line.value("--filter") or line.value("--sort-by") else line.value("--limit")


def _pages(
    session: Session, path: str, query: dict[str, Any], size: int | None, wanted: int | None
) -> Iterator[Sequence[Any]]:
    """Page after page, until there is no token for another."""
    token = ""
    while True:
        asked = dict(query)
        if size is not None:
            asked["pageSize"] = size if wanted is None else min(size, wanted)
        if token:
            asked["pageToken"] = token
        page = session.call("GET", path, asked)
        items = page.get(session.line.command.items, [])
        yield items
        token = page.get("nextPageToken", "")
        if wanted is not None:
            wanted -= len(items)
        if not token or (wanted is not None and wanted <= 0):
            return


def _show(session: Session, records: Iterator[Any], *, limited: bool = True) -> None:
    line = session.line
    limit = line.value("--limit") if limited else None
    if line.value("--sort-by"):
        records = iter(_sorted(list(records), line.value("--sort-by")))
    found = list(islice(records, limit)) if limit is not None else list(records)
    if line.has("--no-user-output-enabled"):
        return
    if line.has("--uri"):
        for record in found:
            print(session.server.uri(session.version, record["name"]))
        return
    if session.format is not None and session.format.name != "table":
        show(found, session.format, line.command.columns)
        return
    if not found:
        session.say("Listed 0 items.")
    size = (line.value("--page-size") if line.has("--page-size") else None) or len(found) or 1
    for begin in range(0, len(found), size):
        if begin:
            print()
        page = found[begin : begin + size]
        if session.format is not None:
            show(page, session.format, line.command.columns)
        else:
            table(with_floats(page), line.command.columns)


def _sorted(records: list[Any], keys: str) -> list[Any]:
    for key in reversed([each.strip() for each in keys.split(",") if each.strip()]):
        field = key.lstrip("~")
        records.sort(key=lambda record: _order(value_at(record, field)), reverse=key.startswith("~"))
    return records


def _order(value: Any) -> tuple[int, Any]:
    """What is there before what is not, numbers before text."""
    if value is None:
        return 2, ""
    return (0, value) if isinstance(value, int | float) else (1, str(value))
