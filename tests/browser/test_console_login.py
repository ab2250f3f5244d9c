"""Logging in at an issuer, in a browser: its page is another site's, and the way back leads to a page of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.access.web_issuer import Issuer, issuing
from tests.browser.pages import LOOKS, Watched
from tests.cli.serving import served
from tests.console.test_issuer_login import ANA, QUEUE, settings


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing("localhost") as issuer:  # the console is at 127.0.0.1, another site
        yield issuer


@pytest.fixture(scope="module")
def console(issuer: Issuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("sso")
    settings(issuer.url, folder)
    memory = ("--store", "sqlite://:memory:", "--queue", QUEUE)
    with served(*memory, "--audit-log", "audit.log", directory=folder) as address:
        yield f"http://{address}/console/"


def test_a_person_logs_in_at_the_issuer_works_and_logs_out(tab: Page, console: str) -> None:
    tab.goto(console + QUEUE)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Log in")
    tab.get_by_role("link", name="Log in with sso").click()
    tab.get_by_role("button", name="It is me").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Queues")
    tab.get_by_role("rowheader").get_by_role("link", name="mail").click()
    tab.get_by_role("button", name="Pause", exact=True).click()
    expect(tab.get_by_role("status").filter(has_text="The queue is paused")).to_be_visible()
    tab.get_by_role("button", name="Undo").click()
    expect(tab.get_by_role("status").filter(has_text="The queue runs again")).to_be_visible()
    tab.get_by_role("navigation", name="Console").get_by_role("link", name="Server").click()
    expect(tab.get_by_text(ANA).first).to_be_visible()
    tab.get_by_role("button", name="Log out").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Log in")
    tab.goto(console + QUEUE)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Log in")


def test_an_open_page_leads_to_the_login_when_the_session_has_ended(chrome: Browser, console: str) -> None:
    with chrome.new_context() as context:
        tab = context.new_page()
        tab.goto(f"{console}login?at=sso")
        tab.get_by_role("button", name="It is me").click()
        expect(tab.get_by_role("heading", level=1)).to_have_text("Queues")
        context.clear_cookies()
        expect(tab.get_by_role("heading", level=1)).to_have_text("Log in")


LOOKED_AT: tuple[tuple[Literal["light", "dark"], int], ...] = (
    ("light", 1280),
    ("light", 390),
    ("dark", 390),
    ("dark", 1280),
)


def findings(watched: Watched, page: Page, path: str) -> list[str]:
    """What is wrong with an open page, in both themes and widths."""
    found = []
    for look, (theme, width) in enumerate(LOOKED_AT):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{theme} {width}: {each}" for each in watched.check(page, path, LOOKS if look else None)]
    return found


def test_pages_of_access_control_are_accessible_and_fit(chrome: Browser, console: str) -> None:
    watched = Watched(chrome, console, reduced_motion="reduce")
    with watched.context:
        page = watched.context.new_page()
        watched.open(page, "login")
        found = findings(watched, page, "login")
        page.goto(f"{console}login?at=sso")
        page.get_by_role("button", name="It is me").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Queues")
        watched.wrong.clear()  # what the page of the issuer did
        watched.open(page, f"{QUEUE}/permissions")
        page.get_by_label("Member").fill("user:ben@example.com")
        page.get_by_role("button", name="Give role").click()
        expect(page.get_by_role("table", name="Permissions").get_by_role("rowheader")).to_have_count(1)
        found += findings(watched, page, "permissions")
        watched.open(page, "audit")
        expect(page.get_by_role("table", name="Audit").locator("tbody tr").first).to_contain_text("SetIamPolicy")
        found += findings(watched, page, "audit")
        for path in ("queues", "server"):
            watched.open(page, path)
            found += findings(watched, page, path)
        page.get_by_role("button", name="Log out").click()
    assert found == []
