"""What happens and what fails in all queues, and what is copied from a page: with scripts and without."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.browser.chromium import NAMES
from tests.browser.filled import SHOP, Filled
from tests.browser.pressing import load_until, press, said
from tests.cli.serving import served
from tests.endtoend.waiting import eventually

ONCE = {"maxAttempts": 1}
NUMBERS = count()
"""For names of queues: a test may be run again."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    hosts = ("--console-hosts", ",".join(NAMES))
    with served("--store", "sqlite://:memory:", *hosts, directory=tmp_path_factory.mktemp("watching")) as address:
        server = Filled(address)
        yield server
        server.close()


def given_up(shop: Filled, name: str, *tasks: str) -> str:
    """A queue whose tasks, each tried once, lie on the shelf."""
    queue = shop.queue(f"{SHOP}/queues/{name}", retryConfig=ONCE)
    for task in tasks:
        shop.task(queue, task)
    eventually("all are given up", lambda: not shop.tasks(queue))
    return queue


def group_of(tab: Page, queue: str) -> Locator:
    """What the page of failures has of a queue."""
    return tab.locator(".group").filter(has=tab.get_by_role("link", name=queue, exact=True))


def test_a_group_of_failures_is_shown_sent_again_and_deleted(tab: Page, shop: Filled) -> None:
    name = f"fails-{id(tab)}"
    queue = given_up(shop, name, "one", "two")
    shop.post(f"{queue}:pause")
    failures = f"{shop.console}failures"
    group = group_of(tab, name)
    load_until(tab, failures, group)
    expect(group).to_contain_text("2 tasks of")
    group.get_by_role("link", name="Show").click()
    expect(tab.get_by_role("table", name="Dead letters").get_by_role("rowheader")).to_have_count(2)
    load_until(tab, failures, group)
    group.get_by_role("button", name="Redrive").click()
    said(tab, "Sent back to the queue")
    eventually("both are back", lambda: shop.tasks(queue) == [f"{queue}/tasks/one", f"{queue}/tasks/two"])
    shop.post(f"{queue}:resume")
    eventually("both are given up again", lambda: not shop.tasks(queue))
    load_until(tab, failures, group)
    group.get_by_role("button", name="Delete").click()
    said(tab, "Deleted")
    load_until(tab, f"{shop.console}{queue}/dead-letters", tab.get_by_role("heading", name="No dead letter"))


def test_dead_letters_are_saved_as_a_file(tab: Page, shop: Filled) -> None:
    queue = given_up(shop, f"saved-{id(tab)}", "first", "second")
    tab.goto(f"{shop.console}{queue}/dead-letters")
    with tab.expect_download() as caught:
        tab.get_by_role("link", name="Download", exact=True).click()
    lines = Path(caught.value.path()).read_text().splitlines()
    assert len(lines) == 2
    assert all(f"{queue}/tasks/" in line for line in lines)


def test_activity_is_narrowed_to_a_queue_and_to_what_failed(tab: Page, shop: Filled) -> None:
    mine, other = f"mine-{id(tab)}", f"other-{id(tab)}"
    for name in (mine, other):
        given_up(shop, name, "task")
    tab.goto(f"{shop.console}activity")
    rows = tab.get_by_role("table", name="Activity").locator("tbody tr")
    created = rows.filter(has=tab.get_by_text("Created", exact=True))
    for name in (mine, other):
        expect(rows.filter(has_text=name)).to_have_count(2)  # the attempt, and that the task was given up
    expect(created).to_have_count(0)
    tab.get_by_role("searchbox", name="Queue", exact=True).fill(mine)
    press(tab, "Filter")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text=mine)).to_have_count(2)
    tab.get_by_role("link", name="Everything", exact=True).click()
    expect(created).to_have_count(1)
    expect(rows.filter(has_text=other)).to_have_count(0)
    tab.get_by_role("link", name="Failed", exact=True).click()
    expect(created).to_have_count(0)
    expect(rows.filter(has_text=mine)).to_have_count(2)


def test_a_view_that_is_paused_stands_still_until_it_goes_on(chrome: Browser, shop: Filled) -> None:
    with chrome.new_context() as context:
        paused, following = context.new_page(), context.new_page()
        for page in (paused, following):
            page.goto(f"{shop.console}activity?show=all")
        press(paused, "Live")
        expect(paused.get_by_role("button", name="Paused", exact=True)).to_have_attribute("aria-pressed", "false")
        given_up(shop, f"meanwhile-{id(paused)}", "task")
        expect(following.get_by_text(f"meanwhile-{id(paused)}").first).to_be_visible()
        expect(paused.get_by_text(f"meanwhile-{id(paused)}")).to_have_count(0)
        press(paused, "Paused")
        expect(paused.get_by_text(f"meanwhile-{id(paused)}").first).to_be_visible()
        expect(paused.get_by_role("button", name="Live", exact=True)).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("host", ["127.0.0.1", NAMES[-1]])
def test_what_is_copied_can_be_pasted(chrome: Browser, shop: Filled, host: str) -> None:
    """Browsers give pages the clipboard on this machine and over TLS; elsewhere there is another way."""
    queue = shop.queue(f"{SHOP}/queues/copied-{next(NUMBERS)}")
    shop.post(f"{queue}:pause")
    task = shop.task(queue, "copied")
    with chrome.new_context() as context:
        page = context.new_page()
        page.goto(f"{shop.console.replace('127.0.0.1', host)}{task}")
        assert page.evaluate("() => isSecureContext") is (host == "127.0.0.1")
        if host == "127.0.0.1":
            context.grant_permissions(["clipboard-read", "clipboard-write"])
        field = page.get_by_role("searchbox", name="Find a queue or task")
        for button, begins in (
            ("Copy name", task),
            ("Copy as curl", "curl "),
            ("Copy URL", "http://127.0.0.1:9/v1/send"),
        ):
            pressed = page.get_by_role("button", name=button, exact=True).element_handle()
            pressed.click()
            page.wait_for_function("(button) => button.textContent.includes('Copied')", arg=pressed)
            field.fill("")
            field.press("Control+v")
            assert field.input_value().startswith(begins), button


def test_without_scripts_what_others_copy_stands_there_to_be_read(chrome: Browser, shop: Filled) -> None:
    queue = shop.queue(f"{SHOP}/queues/read-{next(NUMBERS)}")
    shop.post(f"{queue}:pause")
    task = shop.task(queue, "read")
    with chrome.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(shop.console + task)
        expect(page.get_by_role("button", name="Copy as curl")).to_be_hidden()
        command = page.get_by_label("Command", exact=True).last
        for name, begins in (("gcloud", "gcloud tasks run read"), ("curl", "curl "), ("Python", "import ")):
            page.get_by_role("link", name=name, exact=True).click()
            expect(command).to_contain_text(begins)
