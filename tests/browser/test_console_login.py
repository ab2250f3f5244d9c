"""Logging in at an issuer, in a browser: its page is another site's, and the way back leads to a page of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

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
    with served("--store", "sqlite://:memory:", "--queue", QUEUE, directory=folder) as address:
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


def test_the_login_is_accessible_and_fits(chrome: Browser, console: str) -> None:
    watched, found = Watched(chrome, console, reduced_motion="reduce"), []
    with watched.context:
        page = watched.context.new_page()
        watched.open(page, "login")
        found += watched.check(page, "login")
        for width in (390, 1280):
            page.emulate_media(color_scheme="dark")
            page.set_viewport_size({"width": width, "height": 800})
            found += watched.check(page, f"login {width}", LOOKS)
    assert found == []
