"""What can be done on the pages of the console, with scripts and without."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.filled import DEV, NOBODY, SHOP, Filled, filled
from tests.browser.pressing import press, said
from tests.endtoend.waiting import eventually


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with filled(tmp_path_factory.mktemp("shop"), "--queue-name-reuse-after", "0s") as server:
        yield server


def test_a_queue_is_paused_and_that_undone(tab: Page, shop: Filled) -> None:
    queue = shop.queue(f"{SHOP}/queues/undo-{id(tab)}")
    tab.goto(shop.console + queue)
    press(tab, "Pause")
    said(tab, "The queue is paused")
    assert shop.get(queue)["state"] == "PAUSED"
    press(tab, "Undo")
    said(tab, "The queue runs again")
    assert shop.get(queue)["state"] == "RUNNING"
    tab.goto(f"{shop.console}queues?q=undo-{id(tab)}")
    press(tab, f"Pause undo-{id(tab)}")
    said(tab, "The queue is paused")
    assert shop.get(queue)["state"] == "PAUSED"
    press(tab, f"Resume undo-{id(tab)}")
    said(tab, "The queue runs again")
    assert shop.get(queue)["state"] == "RUNNING"


def test_a_queue_is_made_configured_and_deleted(tab: Page, shop: Filled) -> None:
    name = f"made-{id(tab)}"
    queue = f"{SHOP}/queues/{name}"
    tab.goto(shop.console + "queues/new")
    tab.get_by_label("Project").fill("shop-prod")
    tab.get_by_label("Location").fill("europe-west1")
    tab.get_by_label("Queue", exact=True).fill("not a name!")
    press(tab, "Create queue")
    expect(tab.get_by_role("alert").filter(has_text="Queue ID")).to_be_visible()
    tab.get_by_label("Queue", exact=True).fill(name)
    tab.get_by_label("Dispatches a second").fill("7")
    press(tab, "Create queue")
    expect(tab.get_by_role("heading", level=1, name=name)).to_be_visible()
    assert shop.get(queue)["rateLimits"]["maxDispatchesPerSecond"] == 7

    tab.get_by_role("link", name="Configuration").click()
    tab.get_by_label("First wait").fill("2 s")
    tab.get_by_label("Longest wait").fill("1 m")
    press(tab, "Preview")
    expect(tab.get_by_role("region", name="What this means")).to_contain_text("after 2 s")
    assert shop.get(queue)["retryConfig"]["minBackoff"] == "0.100s"
    press(tab, "Save")
    said(tab, "Saved")
    assert shop.get(queue)["retryConfig"]["maxBackoff"] == "60s"
    tab.get_by_label("First wait").fill("soon")
    press(tab, "Save")
    expect(tab.get_by_role("alert").filter(has_text="'soon' is no time span")).to_be_visible()

    press(tab, "Delete")
    tab.get_by_label(f"Type {name} to go on").fill(name)
    press(tab, f"Delete {name}")
    said(tab, "Deleted")
    assert shop.get(queue) is None


def test_what_a_queue_keeps_and_who_may_use_it_is_changed(tab: Page, shop: Filled) -> None:
    queue = shop.queue(f"{SHOP}/queues/kept-{id(tab)}")
    tab.goto(f"{shop.console}{queue}/configuration")
    tab.get_by_label("Dead letters stay for").fill("36 h")
    tab.get_by_label("Attempts", exact=True).last.select_option("all")
    tab.get_by_label("Start of the response").uncheck()
    press(tab, "Save what is kept")
    said(tab, "Saved")
    expect(tab.get_by_label("Dead letters stay for")).to_have_value("1 d 12 h")
    expect(tab.get_by_label("Start of the response")).not_to_be_checked()
    press(tab, "As the settings say")
    expect(tab.get_by_label("Dead letters stay for")).to_have_value("7 d")

    tab.get_by_role("link", name="Permissions").click()
    tab.get_by_label("Member").fill("ana")
    press(tab, "Give role")
    expect(tab.get_by_role("alert").filter(has_text="ana")).to_be_visible()
    tab.get_by_label("Member").fill("user:ana@example.com")
    press(tab, "Give role")
    table = tab.get_by_role("table", name="Permissions")
    expect(table.get_by_role("rowheader")).to_have_text(["user:ana@example.com"])
    press(tab, "Remove roles/cloudtasks.viewer from user:ana@example.com")
    expect(tab.get_by_role("heading", name="No policy on this queue")).to_be_visible()


def test_a_purge_asks_for_the_name(tab: Page, shop: Filled) -> None:
    queue = shop.queue(f"{SHOP}/queues/purged-{id(tab)}")
    shop.post(f"{queue}:pause")
    for number in range(3):
        shop.task(queue, f"task-{number}")
    tab.goto(shop.console + queue)
    press(tab, "Purge")
    name = queue.rpartition("/")[2]
    typed = tab.get_by_role("textbox", name=f"Type {name} to go on")
    typed.fill("another name")
    press(tab, "Purge 3 tasks")
    assert len(shop.tasks(queue)) == 3
    typed.fill(name)
    press(tab, "Purge 3 tasks")
    said(tab, "All tasks are purged")
    assert shop.tasks(queue) == []


def test_a_task_is_made_run_and_deleted(tab: Page, shop: Filled) -> None:
    queue = shop.queue(f"{SHOP}/queues/tasks-{id(tab)}", retryConfig={"minBackoff": "3600s"})
    tab.goto(shop.console + queue)
    tab.get_by_role("link", name="Create task").first.click()
    tab.get_by_label("URL").fill(f"{NOBODY}/here")
    tab.get_by_label("Headers").fill("content-type: application/json\nx-trace: 1")
    tab.get_by_label("Body").fill('{"n": 12345678901234567890}')
    tab.get_by_label("Schedule time").fill("15m")
    tab.get_by_label("Task ID").fill("mine")
    press(tab, "Create task")
    expect(tab.get_by_role("heading", level=1, name="mine")).to_be_visible()
    expect(tab.get_by_label("Body", exact=True).last).to_contain_text("12345678901234567890")
    task = shop.get(f"{queue}/tasks/mine")
    assert task["httpRequest"]["headers"]["x-trace"] == "1"
    press(tab, "Force run")
    said(tab, "An attempt was started")
    eventually("the attempt has ended", lambda: "lastAttempt" in shop.get(f"{queue}/tasks/mine"))
    tab.reload()
    expect(tab.get_by_role("table", name="Attempts").get_by_role("rowheader")).to_have_count(1)
    with tab.expect_download() as caught:
        tab.get_by_role("link", name="Download HAR").click()
    assert json.loads(Path(caught.value.path()).read_text())["log"]["entries"]
    press(tab, "Delete")
    said(tab, "Deleted")
    assert shop.get(f"{queue}/tasks/mine") is None
    tab.goto(f"{shop.console}{queue}/tasks/mine")
    expect(tab.get_by_role("region", name="Why is it not running?")).to_be_visible()


def test_selected_tasks_are_deleted_and_all_that_match_rescheduled(tab: Page, shop: Filled) -> None:
    queue = shop.queue(f"{SHOP}/queues/many-{id(tab)}")
    shop.post(f"{queue}:pause")
    for number in range(5):
        shop.task(queue, f"task-{number}")
    tab.goto(shop.console + queue)
    for number in (1, 3):
        tab.get_by_role("checkbox", name=f"Select task-{number}").check()
    press(tab, "Delete selected")
    said(tab, "Started")
    eventually("two are deleted", lambda: len(shop.tasks(queue)) == 3)
    tab.get_by_role("link", name="All tasks").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(f"3 tasks of many-{id(tab)}")
    tab.get_by_label("Reschedule to").fill("2h")
    press(tab, "Reschedule 3")
    expect(tab.get_by_role("heading", level=1, name="Operations")).to_be_visible()
    expect(tab.get_by_role("region", name=f"Reschedule tasks of many-{id(tab)}")).to_be_visible()


def test_dead_letters_are_sent_again(tab: Page, shop: Filled) -> None:
    queue = shop.queue(f"{SHOP}/queues/dead-{id(tab)}", retryConfig={"maxAttempts": 1})
    for number in range(3):
        shop.task(queue, f"dead-{number}")
    eventually("all are given up", lambda: not shop.tasks(queue))
    shop.post(f"{queue}:pause")
    tab.goto(f"{shop.console}{queue}/dead-letters")
    tab.get_by_role("row", name="dead-1").get_by_role("button", name="Redrive").click()
    said(tab, "Sent back to the queue")
    eventually("one is back", lambda: shop.tasks(queue) == [f"{queue}/tasks/dead-1"])
    tab.goto(f"{shop.console}failures")
    tab.get_by_role("link", name=f"dead-{id(tab)}").last.click()
    tab.get_by_role("checkbox", name="Select dead-2").check()
    press(tab, "Delete selected")
    said(tab, "Deleted")
    expect(tab.get_by_role("table", name="Dead letters").get_by_role("rowheader")).to_have_text(["dead-0"])


def test_a_file_of_queues_is_applied(tab: Page, shop: Filled) -> None:
    tab.goto(shop.console + "queues/apply")
    tab.get_by_label("Project").fill(f"yaml-{id(tab)}")
    tab.get_by_role("textbox", name="queue.yaml").fill("queue:\n- name: from-file\n  rate: nonsense\n")
    press(tab, "Apply")
    expect(tab.get_by_role("alert").filter(has_text="rate")).to_be_visible()
    tab.get_by_role("textbox", name="queue.yaml").fill("queue:\n- name: from-file\n  rate: 3/s\n")
    press(tab, "Apply")
    said(tab, "The file was applied")
    expect(tab.get_by_role("table", name="Queues")).to_contain_text("from-file")


def test_the_field_on_top_finds_queues_and_tasks(tab: Page, shop: Filled) -> None:
    tab.goto(shop.console + "server")
    find = tab.get_by_role("searchbox", name="Find a queue or task")
    for text, title in (
        ("crm-leads", "crm-leads"),
        (f"{DEV}/queues/crm-leads/tasks/lead-1", "lead-1"),
        ("report", "Queues"),
    ):
        find.fill(text)
        find.press("Enter")
        expect(tab.get_by_role("heading", level=1)).to_have_text(title)


def test_a_node_is_drained_and_serves_again(tab: Page, shop: Filled) -> None:
    tab.goto(shop.console + "server")
    press(tab, "Drain")
    said(tab, "starts no more attempts")
    press(tab, "Undrain")
    said(tab, "starts attempts again")
    expect(tab.get_by_role("button", name="Drain", exact=True)).to_be_visible()


def test_a_request_is_replayed_and_nothing_of_its_task_changes(tab: Page, shop: Filled) -> None:
    queue = shop.queue(f"{SHOP}/queues/replay-{id(tab)}")
    shop.post(f"{queue}:pause")
    task = shop.task(queue, "again")
    before = shop.get(task)
    tab.goto(shop.console + task)
    press(tab, "Replay")
    replayed = tab.get_by_role("region", name="Replayed")
    expect(replayed).to_contain_text("Nothing of the task has changed")
    assert shop.get(task) == before


def test_failures_of_a_kind_are_sent_again_or_deleted_together(tab: Page, shop: Filled) -> None:
    queue = shop.queue(f"{SHOP}/queues/group-{id(tab)}", retryConfig={"maxAttempts": 1})
    for number in range(3):
        shop.task(queue, f"fails-{number}")
    eventually("all are given up", lambda: not shop.tasks(queue))
    shop.post(f"{queue}:pause")
    tab.goto(f"{shop.console}{queue}/dead-letters")
    tab.get_by_role("region", name="What they failed with").get_by_role("button", name="Redrive all").click()
    said(tab, "Sent back to the queue")
    eventually("all are back", lambda: len(shop.tasks(queue)) == 3)
    shop.post(f"{queue}:resume")
    eventually("all are given up again", lambda: not shop.tasks(queue))
    tab.goto(f"{shop.console}{queue}/dead-letters")
    tab.get_by_role("region", name="What they failed with").get_by_role("button", name="Delete all").click()
    said(tab, "Deleted")
    tab.goto(f"{shop.console}{queue}/dead-letters")
    expect(tab.get_by_role("heading", name="No dead letter")).to_be_visible()
