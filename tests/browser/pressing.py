"""What a test of the console's buttons does over and over, in a tab with scripts and in one without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.endtoend.waiting import eventually


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def tab(request: pytest.FixtureRequest, chrome: Browser) -> Iterator[Page]:
    """A tab of a browser that runs scripts, then one of a browser that runs none."""
    with chrome.new_context(java_script_enabled=request.param) as context:
        yield context.new_page()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def said(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text)).to_be_visible()


def load_until(page: Page, url: str, shown: Locator) -> None:
    """Load a page again until it shows this: one without scripts stands still."""

    def loaded() -> bool:
        page.goto(url)
        return shown.count() > 0

    eventually(f"{url} shows it", loaded)
