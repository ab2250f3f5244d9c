"""Pages that follow what happens, and a server that leaves and comes back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from playwright.sync_api import APIResponse, Browser, Page, Route, expect
from tests.browser.filled import SHOP, Filled
from tests.browser.pages import Watched
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually

import tidegate
from tidegate import tasks_v2

NUMBERS = count()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Of all tests here; one that stops it starts it again."""
    with Server(tmp_path_factory.mktemp("live")) as server:
        yield server.start()


@pytest.fixture
def shop(server: Server) -> Iterator[Filled]:
    shop = Filled(server.address)
    yield shop
    shop.close()


@pytest.fixture
def queue(request: pytest.FixtureRequest, shop: Filled) -> str:
    """A paused queue without tasks."""
    name = f"{request.node.name.replace('_', '-')[:60]}-{next(NUMBERS)}"  # a test may be run again
    queue = shop.queue(f"{SHOP}/queues/{name}")
    shop.post(f"{queue}:pause")
    return queue


@pytest.fixture
def tab(chrome: Browser, shop: Filled) -> Iterator[Page]:
    watched = Watched(chrome, shop.console)
    with watched.context:
        yield watched.context.new_page()


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Wait until ``holds()``, while the page goes on."""

    def going_on() -> bool:
        page.wait_for_timeout(10)
        return holds()

    eventually("the page has done so", going_on)


def ids(page: Page) -> list[str]:
    return page.get_by_role("table", name="Tasks").get_by_role("rowheader").all_inner_texts()


def test_a_task_made_by_a_program_shows_up_without_loading_the_page_again(
    tab: Page, shop: Filled, queue: str, server: Server
) -> None:
    tab.goto(shop.console + queue)
    expect(tab.get_by_role("heading", name="No task here")).to_be_visible()
    tab.evaluate("() => { window.here = true }")
    client = tidegate.connect(server.address)
    client.create_task(parent=queue, task=tasks_v2.Task(http_request=tasks_v2.HttpRequest(url="http://127.0.0.1:9/")))
    expect(tab.get_by_role("table", name="Tasks").get_by_role("rowheader")).to_have_count(1)
    assert tab.evaluate("() => window.here"), "the page was loaded again"


def test_what_is_typed_and_selected_stays_while_the_page_changes(tab: Page, shop: Filled, queue: str) -> None:
    shop.task(queue, "task-1")
    tab.goto(shop.console + queue)
    tab.get_by_role("checkbox", name="Select task-1").check()
    field = tab.get_by_role("searchbox", name="Filter tasks")
    field.fill("half a wo")
    field.focus()
    shop.task(queue, "task-0")
    expect(tab.get_by_role("link", name="task-0")).to_be_visible()
    expect(tab.get_by_role("checkbox", name="Select task-1")).to_be_checked()
    expect(tab.get_by_role("checkbox", name="Select task-0")).not_to_be_checked()
    expect(tab.get_by_text("1 selected")).to_be_visible()
    expect(field).to_have_value("half a wo")
    expect(field).to_be_focused()


def test_what_happens_while_a_page_asks_is_not_lost(tab: Page, shop: Filled, queue: str) -> None:
    tab.goto(shop.console + queue)
    expect(tab.get_by_role("heading", name="No task here")).to_be_visible()
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        held.append((route, route.fetch()))  # as it is now

    tab.route(lambda url: url == shop.console + queue, hold, times=1)
    shop.task(queue, "first")
    until(tab, lambda: bool(held))
    shop.task(queue, "second")
    tab.wait_for_timeout(2500)  # the page hears of it and wants to ask; where it is slower, nothing is shown
    for route, answer in held:
        route.fulfill(response=answer)
    expect(tab.get_by_role("link", name="second")).to_be_visible()


def test_charts_follow_the_width_of_the_window(tab: Page, shop: Filled, queue: str) -> None:
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.goto(f"{shop.console}{queue}/metrics")
    tab.wait_for_function("() => document.querySelectorAll('.uplot').length === 5")
    tab.get_by_role("button", name="Live").click()  # what is asked for anew is drawn anew in any case
    tab.set_viewport_size({"width": 390, "height": 800})
    tab.wait_for_function(
        """() => document.documentElement.scrollWidth <= innerWidth
            && [...document.querySelectorAll(".uplot")].every((each) => each.offsetWidth < 390)"""
    )


def test_eight_tabs_all_load_and_follow(tab: Page, shop: Filled, queue: str) -> None:
    """Over plain HTTP a browser opens six connections to a server."""
    tabs = [tab, *(tab.context.new_page() for _ in range(7))]
    for each in tabs:
        each.goto(shop.console + queue)
    shop.task(queue, "for-all")
    for each in tabs:
        expect(each.get_by_role("link", name="for-all")).to_be_visible()


def test_an_open_page_says_when_the_server_is_gone_and_comes_back_with_it(
    tab: Page, shop: Filled, queue: str, server: Server
) -> None:
    tab.goto(shop.console + queue)
    expect(tab.get_by_role("heading", name="No task here")).to_be_visible()
    alert = tab.get_by_role("alert", name="No answer from the server")
    expect(alert).to_be_hidden()
    assert server.stop() == 0
    expect(alert).to_be_visible()
    server.start()
    expect(alert).to_be_hidden()
    shop.task(queue, "after-the-restart")
    expect(tab.get_by_role("link", name="after-the-restart")).to_be_visible()
    assert server.complaints() == []


def test_a_form_from_before_the_restart_is_refused_with_the_cure(
    chrome: Browser, shop: Filled, queue: str, server: Server
) -> None:
    with chrome.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(shop.console + queue)
        server.stop()
        server.start()
        page.get_by_role("button", name="Resume").click()
        expect(page.get_by_text("Load it again, then repeat.")).to_be_visible()
        assert shop.get(queue)["state"] == "PAUSED"


def test_keys_move_through_the_rows_and_open_one(tab: Page, shop: Filled, queue: str) -> None:
    for number in range(3):
        shop.task(queue, f"task-{number}")
    tab.goto(shop.console + queue)
    tab.keyboard.press("?")
    expect(tab.get_by_role("dialog", name="Keys")).to_be_visible()
    tab.keyboard.press("Escape")
    for key in ("j", "j", "j", "k"):
        tab.keyboard.press(key)
    expect(tab.get_by_role("link", name="task-1")).to_be_focused()
    tab.keyboard.press("/")
    expect(tab.get_by_role("searchbox", name="Filter tasks")).to_be_focused()
    tab.get_by_role("link", name="task-1").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", level=1)).to_have_text("task-1")


def test_theme_and_time_zone_are_remembered(tab: Page, shop: Filled, queue: str) -> None:
    tab.goto(shop.console + queue)
    tab.get_by_role("button", name="Theme").click()
    theme = tab.evaluate("() => document.documentElement.dataset.theme")
    tab.get_by_label("Time zone").select_option("local")
    tab.goto(shop.console + "server")
    assert tab.evaluate("() => document.documentElement.dataset.theme") == theme
    expect(tab.get_by_label("Time zone")).to_have_value("local")
    expect(tab.locator("#as-of")).not_to_contain_text("UTC")
