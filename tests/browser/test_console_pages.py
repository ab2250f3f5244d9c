"""Every page of the console: accessible, in its place on any screen, and nothing from elsewhere.

``CONSOLE_SHOTS=FOLDER`` opens each page anew in every theme and width, holds all rules of axe against it, and writes
a picture. Otherwise a page is opened once, and only the rules that looks can break are held against its other looks.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.sync_api import Browser, FloatRect, expect
from tests.browser.filled import Filled, filled
from tests.browser.pages import DYING, FAILING, LOOKS, MISSING, PAGES, PAUSED, Watched

FOLDER = os.environ.get("CONSOLE_SHOTS")
SEEN: Final[tuple[tuple[Literal["light", "dark"], int], ...]] = (
    ("light", 1280),
    ("light", 390),
    ("dark", 390),
    ("dark", 1280),
)

TALLEST: Final = 4000
"""Pixels of a picture. The page of a body in hex is twenty times as tall, which takes Chromium minutes to draw."""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    with filled(tmp_path_factory.mktemp("shop")) as server:
        yield server


@pytest.mark.timeout(1800 if FOLDER else 300)
def test_every_page_is_accessible_and_fits(chrome: Browser, shop: Filled) -> None:
    watched = Watched(chrome, shop.console, reduced_motion="reduce")  # else a theme takes its time to come
    found: list[str] = []
    with watched.context:
        page = watched.context.new_page()
        for name, path in {**PAGES, **MISSING}.items():
            for look, (theme, width) in enumerate(SEEN):
                page.emulate_media(color_scheme=theme)
                page.set_viewport_size({"width": width, "height": 800})
                if FOLDER or look == 0:
                    watched.open(page, path, 404 if name in MISSING else 200)
                wrong = watched.check(page, path, None if FOLDER or look == 0 else LOOKS)
                found += [f"{theme} {width}: {each}" for each in wrong]
                if FOLDER:
                    Path(FOLDER).mkdir(parents=True, exist_ok=True)
                    height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
                    clip: FloatRect = {"x": 0, "y": 0, "width": width, "height": height}
                    page.screenshot(path=f"{FOLDER}/{name}-{theme}-{width}.png", full_page=True, clip=clip)
    assert found == []


def test_every_page_works_without_scripts(chrome: Browser, shop: Filled) -> None:
    watched = Watched(chrome, shop.console, java_script_enabled=False)
    with watched.context:
        page = watched.context.new_page()
        for path in PAGES.values():
            watched.open(page, path)
            expect(page.get_by_role("navigation", name="Console")).to_be_visible()
    assert watched.wrong == []


def test_names_for_those_who_do_not_see(chrome: Browser, shop: Filled) -> None:
    watched = Watched(chrome, shop.console)
    with watched.context:
        page = watched.context.new_page()
        watched.open(page, "queues")
        expect(page.get_by_role("heading", level=1, name="Queues")).to_be_visible()
        table = page.get_by_role("table", name="Queues")
        expect(table.get_by_role("rowheader").get_by_role("link", name="mail-out")).to_be_visible()
        current = page.get_by_role("navigation", name="Console").locator("[aria-current=page]")
        assert current.all_inner_texts() == ["Queues"]
        watched.open(page, FAILING)
        expect(page.get_by_role("table", name="Tasks")).to_be_visible()
        for name in ("Pause", "Purge", "Delete"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
        watched.open(page, f"{FAILING}/tasks/order-1")
        expect(page.get_by_role("region", name="Why is it not running?")).to_be_visible()
        numbers = page.get_by_role("table", name="Attempts").get_by_role("rowheader").all_inner_texts()
        assert numbers == ["1"]
        for name in ("Force run", "Delete", "Copy as curl", "Replay"):
            expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
        for name in ("JSON", "Text", "Hex", "Base64", "Download"):
            expect(page.get_by_role("navigation", name="Body").get_by_role("link", name=name)).to_be_visible()
        watched.open(page, f"{DYING}/dead-letters")
        letters = page.get_by_role("table", name="Dead letters")
        expect(letters.get_by_role("button", name="Redrive")).to_have_count(3)


def test_what_strangers_send_is_shown_as_text(chrome: Browser, shop: Filled) -> None:
    watched = Watched(chrome, shop.console)
    with watched.context:
        page = watched.context.new_page()
        watched.open(page, f"{PAUSED}/tasks/hostile")
        shown = page.get_by_label("Body", exact=True).locator("visible=true").last
        expect(shown).to_contain_text('<script>document.title="owned"</script><img src=x onerror=')
        expect(shown).to_contain_text("<style>body{display:none}</style>[U+202E]txt.exe {{7*7}}")
        assert page.title() == "hostile · Tidegate"
        assert page.locator("main img, main script, main style").count() == 0
    assert watched.wrong == []


def test_pages_of_tasks_lead_on_and_back(chrome: Browser, shop: Filled) -> None:
    watched = Watched(chrome, shop.console)
    with watched.context:
        page = watched.context.new_page()
        watched.open(page, PAUSED)
        ids = page.get_by_role("table", name="Tasks").get_by_role("rowheader")
        first = ids.all_inner_texts()
        page.get_by_role("link", name="Next").click()
        second = ids.all_inner_texts()
        assert len({*first, *second}) == len(first) + len(second) == 65
        page.get_by_role("link", name="Previous").click()
        assert ids.all_inner_texts() == first
        page.get_by_role("searchbox", name="Filter tasks").fill("report-4")
        page.get_by_role("button", name="Filter").click()
        assert ids.all_inner_texts() == [f"report-4{digit}" for digit in range(10)]
