"""Chromium in the hands of a test, with a new profile and no way to anything but this machine.

``browser`` is a fixture of one module; take it into its ``conftest``, and write its tests without ``async``: while the
browser runs, the thread's event loop is Playwright's.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from tests.endtoend.waiting import PATIENCE

HERE = "127.0.0.1"
NAMES = ("evil.example", "other.example", "gate.example")
"""Names that lead to this machine, as any name does whose owner says so. No other name leads anywhere."""

_RULES = [*(f"MAP {name} {HERE}" for name in NAMES), "MAP * ~NOTFOUND", f"EXCLUDE {HERE}", "EXCLUDE localhost"]
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules={', '.join(_RULES)}",
]

expect.set_options(timeout=PATIENCE * 1000)


def chromium() -> str | None:
    """Where Chromium is; None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def _program() -> str:
    program = chromium()
    if program is None:
        pytest.skip("needs Chromium: apt-get install chromium, or make browser as root")
    return program


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """A browser for contexts of a test's own: of any size, theme, with or without JavaScript."""
    program = _program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser that has seen nothing yet."""
    program = _program()
    profile: Path = tmp_path_factory.mktemp("profile")
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            profile, executable_path=program, headless=True, chromium_sandbox=False, args=_ARGUMENTS
        )
        context.set_default_timeout(PATIENCE * 1000)
        try:
            yield context
        finally:
            context.close()


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A tab of its own."""
    tab = browser.new_page()
    yield tab
    tab.close()
