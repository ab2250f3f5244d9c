"""The pictures of README and docs are made here, by ``make screenshots``, and tests see that no others are shown.

``PICTURES=FOLDER`` says where to; without it they are made and thrown away.
"""

from __future__ import annotations

import os
import re
import struct
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.busy import FAILED, busy
from tests.browser.pages import Watched
from tests.snippets.claims import ROOT, pages

IMAGES: Final = ROOT / "docs/images"
PICTURES: Final = {"console-queues.png": ("queues", 720), "console-task.png": (FAILED, 900)}
"""By file the page of the console that it shows, and how many pixels of it; all are 1280 wide."""
WIDTH: Final = 1280

SHOWN: Final = re.compile(r"!\[[^\]]*\]\(([^)]+)\)|<img[^>]+src=[\"']([^\"']+)")


def size(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    found: tuple[int, int] = struct.unpack(">II", picture.read_bytes()[16:24])
    return found


def test_every_picture_that_a_page_shows_is_made_by_the_suite() -> None:
    shown = {
        (page.parent / (plain or tag)).resolve() for page in pages() for plain, tag in SHOWN.findall(page.read_text())
    }
    assert shown == {IMAGES / name for name in PICTURES} == set(IMAGES.iterdir()), "run: make screenshots"
    assert [size(IMAGES / name) for name in PICTURES] == [(WIDTH, height) for _, height in PICTURES.values()]


@pytest.mark.timeout(300)
def test_the_pictures_are_made(chrome: Browser, tmp_path: Path) -> None:
    folder = Path(os.environ.get("PICTURES") or tmp_path / "pictures")
    with busy(tmp_path) as shop:
        watched = Watched(chrome, shop.console, reduced_motion="reduce", color_scheme="light", timezone_id="UTC")
        with watched.context:
            page = watched.context.new_page()
            for name, (path, height) in PICTURES.items():
                page.set_viewport_size({"width": WIDTH, "height": height})
                watched.open(page, path)
                expect(page.get_by_text("Live", exact=True)).to_be_visible()
                page.screenshot(path=folder / name)
        assert watched.wrong == []
    assert [size(folder / name) for name in PICTURES] == [(WIDTH, height) for _, height in PICTURES.values()]
