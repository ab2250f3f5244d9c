"""Work on many tasks at once, begun and stopped on the pages of the console, with scripts and without."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.browser.filled import SHOP, Filled
from tests.browser.pressing import press, said
from tests.cli.serving import served
from tests.endtoend.waiting import eventually

MEGABYTE = 10**6
FULL = 34
"""Tasks of a megabyte of which attempts fill the room that the server has for long bodies."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with served("--store", "sqlite://:memory:", directory=tmp_path_factory.mktemp("many")) as address:
        server = Filled(address)
        yield server
        server.close()


@pytest.fixture
def queue(tab: Page, shop: Filled) -> str:
    """A paused queue without tasks."""
    queue = shop.queue(f"{SHOP}/queues/many-{id(tab)}", retryConfig={"minBackoff": "3600s"})
    shop.post(f"{queue}:pause")
    return queue


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a handler that takes requests and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(2 * FULL)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"


def attempts(shop: Filled, task: str) -> int:
    count: int = shop.get(task).get("dispatchCount", 0)
    return count


def test_selected_tasks_are_run(tab: Page, shop: Filled, queue: str) -> None:
    tasks = [shop.task(queue, f"task-{number}") for number in range(3)]
    tab.goto(shop.console + queue)
    for name in ("task-0", "task-2"):
        tab.get_by_role("checkbox", name=f"Select {name}").check()
    press(tab, "Run selected")
    said(tab, "Started")
    eventually("two were run", lambda: [attempts(shop, task) for task in tasks] == [1, 0, 1])


def test_nothing_selected_changes_nothing(tab: Page, shop: Filled, queue: str) -> None:
    shop.task(queue, "stays")
    tab.goto(shop.console + queue)
    press(tab, "Delete selected")
    expect(tab.get_by_text("Nothing was changed: no task was selected.")).to_be_visible()
    assert shop.tasks(queue) == [f"{queue}/tasks/stays"]


def test_what_a_filter_finds_is_counted_before_it_is_run_or_deleted(tab: Page, shop: Filled, queue: str) -> None:
    mails = [shop.task(queue, name) for name in ("mail-1", "mail-2")]
    shop.task(queue, "sms-1")
    for name, done in (("Run 2", "Run tasks"), ("Delete 2", "Delete tasks")):
        tab.goto(shop.console + queue)
        tab.get_by_role("searchbox", name="Filter tasks").fill("mail-")
        press(tab, "Filter")
        tab.get_by_role("link", name="All that match").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text(f"2 tasks of many-{id(tab)}")
        press(tab, name)
        expect(tab.get_by_role("heading", level=1, name="Operations")).to_be_visible()
        expect(tab.get_by_role("region", name=f"{done} of many-{id(tab)}")).to_be_visible()
        if name == "Run 2":
            eventually("both were tried", lambda: all("lastAttempt" in shop.get(task) for task in mails))
    eventually("both are deleted", lambda: shop.tasks(queue) == [f"{queue}/tasks/sms-1"])


def test_an_operation_is_stopped_and_what_it_did_stays_done(tab: Page, shop: Filled, queue: str, silent: str) -> None:
    """Running more than there is room for waits for room, for as long as nothing answers."""
    for number in range(FULL + 4):
        shop.task(queue, f"task-{number:02}", b"x" * MEGABYTE, url=silent)
    tab.goto(f"{shop.console}{queue}/bulk")
    press(tab, f"Run {FULL + 4}")
    name = f"Run tasks of many-{id(tab)}"
    operation = tab.get_by_role("region", name=name)
    eventually("there is no more room", lambda: started(shop, queue) >= FULL)
    tab.goto(f"{shop.console}operations")
    expect(operation.get_by_role("progressbar", name="Progress")).to_be_visible()
    operation.get_by_role("button", name="Stop", exact=True).click()
    said(tab, "Stopped. What was done stays done.")
    expect(operation.get_by_text("Cancelled", exact=True)).to_be_visible()
    expect(operation.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
    assert FULL <= started(shop, queue) < FULL + 4


def started(shop: Filled, queue: str) -> int:
    """Of how many tasks an attempt was started."""
    tasks = shop.get(f"{queue}/tasks?pageSize=1000").get("tasks", [])
    return sum(bool(task.get("dispatchCount")) for task in tasks)
