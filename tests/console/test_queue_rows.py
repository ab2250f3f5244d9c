"""The list of queues: filter, order, pages, and what needs a look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tidegate.console.queue_rows import ORDERS, Filter, QueueRow, needing_look, page_of
from tidegate.core.names import QueueName

NOON = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def row(queue: str = "mail", *, project: str = "shop", location: str = "here", **values: Any) -> QueueRow:
    given: dict[str, Any] = {
        "state": "running",
        "pull": False,
        "depth": 0,
        "due": 0,
        "in_flight": 0,
        "next_due": None,
        "late": timedelta(),
        "succeeded": 0.0,
        "failed": 0.0,
        "throttle": 1.0,
        "dead": 0,
        "blocked_by": "",
    }
    return QueueRow(name=QueueName.of(project, location, queue), **{**given, **values})


def test_words_are_parts_of_the_name_and_terms_of_project_and_location() -> None:
    mail = row("mail-out", project="shop-prod", location="europe-west1")
    for text in ("", "mail", "OUT mail", "project:shop", "location:europe mail", "shop-prod/locations"):
        assert Filter.read(text).takes(mail), text
    for text in ("male", "project:dev", "location:us mail", "mail project:shop x"):
        assert not Filter.read(text).takes(mail), text


@given(st.lists(st.integers(0, 5), max_size=40), st.sampled_from(sorted(ORDERS)), st.integers(1, 7))
def test_pages_show_every_queue_once_and_lead_back(depths: list[int], order: str, size: int) -> None:
    rows = [row(f"q{at}", depth=depth) for at, depth in enumerate(depths)]
    page = page_of(rows, order, size)
    seen, pages = list(page.rows), [page]
    while page.next is not None:
        page = page_of(rows, order, size, after=page.next)
        seen += page.rows
        pages.append(page)
    assert sorted(each.name for each in seen) == sorted(each.name for each in rows)
    for before, page in pairwise(pages):
        assert page.previous is not None
        assert page_of(rows, order, size, before=page.previous).rows == before.rows
    assert pages[0].previous is None


def test_most_tasks_come_first() -> None:
    rows = [row("a", depth=1), row("b", depth=7), row("c", depth=1)]
    assert [each.queue for each in page_of(rows, "tasks", 9).rows] == ["b", "a", "c"]


def test_a_queue_that_is_gone_leads_to_the_first_page() -> None:
    assert [each.queue for each in page_of([row("a"), row("b")], "name", 1, after="gone").rows] == ["a"]


def test_failing_comes_before_behind_and_held() -> None:
    failing = row("failing", failed=30.0, succeeded=70.0)
    behind = row("behind", late=timedelta(minutes=5))
    held = row("held", state="paused", depth=3)
    fine = [
        row("fine", succeeded=10.0, failed=1.0),
        row("empty", state="paused"),
        row("pull", pull=True, late=timedelta(1)),
    ]
    assert [each.queue for each in needing_look([held, *fine, behind, failing])] == ["failing", "behind", "held"]
