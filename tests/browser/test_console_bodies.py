"""Bodies of all kinds on their page, with scripts and without: nothing is lost, and nothing breaks the page."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.filled import DEEP, HOSTILE, JSON, SHOP, Filled
from tests.cli.serving import served

MIB = 2**20
BESIDE = 1024
"""Bytes that are left of a mebibyte for what a task has beside its body: no task may be larger."""
PREVIEW = 64 * 1024
NUMBERS = b'{"big":12345678901234567890123,"exact":0.1000000000000000055511151231257827,"huge":1e400,"minus":-0.0}'
LONG = b'{"first": 12345678901234567890, "text": "' + b"x" * (MIB - BESIDE - 54) + b'", "last": 1}'
DEEPEST = b"[" * 300_000 + b"]" * 300_000

BODIES = {
    "json": JSON,
    "numbers": NUMBERS,
    "long": LONG,
    "deep": DEEP,
    "deepest": DEEPEST,
    "binary": bytes(range(256)) * 300,
    "invalid": b"text \xff\xfe",
    "hostile": HOSTILE,
    "empty": b"",
}


@pytest.fixture(scope="module")
def queue() -> str:
    return f"{SHOP}/queues/bodies"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, queue: str) -> Iterator[Filled]:
    with served("--store", "sqlite://:memory:", directory=tmp_path_factory.mktemp("bodies")) as address:
        server = Filled(address)
        server.queue(queue)
        later = (datetime.now(UTC) + timedelta(hours=5)).isoformat()
        for name, body in BODIES.items():
            server.task(queue, name, body, scheduleTime=later)
        yield server
        server.close()


@pytest.fixture
def seen(tab: Page, shop: Filled, queue: str) -> Seen:
    return Seen(tab, f"{shop.console}{queue}/tasks/")


class Seen:
    """Bodies in a tab, which must never be wider than its window."""

    def __init__(self, page: Page, tasks: str) -> None:
        self.page = page
        self._tasks = tasks

    def text(self, task: str, form: str = "") -> str:
        """What the page of a body shows in a form, or in the one that fits."""
        answer = self.page.goto(f"{self._tasks}{task}/body" + (f"?as={form}" if form else ""))
        assert answer is not None
        assert answer.status == 200
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0
        return self.page.locator("pre[aria-label=Body]").inner_text()

    def says(self, text: str) -> None:
        expect(self.page.get_by_text(text)).to_be_visible()

    def saved(self) -> bytes:
        with self.page.expect_download() as caught:
            self.page.get_by_role("link", name="Download").click()
        return Path(caught.value.path()).read_bytes()


def test_numbers_keep_their_digits(seen: Seen) -> None:
    assert '"big": 12345678901234567890' in seen.text("json")
    shown = seen.text("numbers")
    for number in ("12345678901234567890123", "0.1000000000000000055511151231257827", "1e400", "-0.0"):
        assert number in shown
    assert seen.text("numbers", "text") == NUMBERS.decode()
    assert seen.saved() == NUMBERS


def test_a_mebibyte_is_shown_up_to_64_kib_and_saved_whole(seen: Seen) -> None:
    assert len(LONG) == MIB - BESIDE
    shown = seen.text("long")
    assert shown.startswith('{\n  "first": 12345678901234567890,\n  "text": "xxx')
    assert len(shown) < PREVIEW + 100
    seen.says("The first 64 KiB of 1.0 MB")
    for form, length in (("text", PREVIEW), ("hex", PREVIEW // 16 * 77), ("base64", PREVIEW * 4 // 3)):
        assert len(seen.text("long", form)) >= length - 100
    assert seen.saved() == LONG


def test_deep_json_is_indented_to_a_level_and_deeper_one_is_shown_as_it_is(seen: Seen) -> None:
    assert "".join(seen.text("deep", "json").split()) == DEEP.decode()
    assert seen.text("deepest", "json") == "[" * PREVIEW
    seen.says("too deep")
    assert seen.saved() == DEEPEST


def test_bytes_that_are_no_text_are_shown_by_their_numbers(seen: Seen) -> None:
    assert seen.text("invalid", "text") == "text \\xff\\xfe"
    assert seen.text("invalid", "json") == "text \\xff\\xfe"
    seen.says("It is not UTF-8. Shown as it is.")
    assert seen.text("binary").splitlines()[15] == (
        "000000f0  f0 f1 f2 f3 f4 f5 f6 f7  f8 f9 fa fb fc fd fe ff  ................"
    )
    seen.says("The first 64 KiB of 77 kB")
    assert seen.text("binary", "base64").startswith("AAECAwQFBgcICQoLDA0ODxAREhMUFRYX")
    assert seen.saved() == BODIES["binary"]


def test_markup_is_shown_as_text_in_every_form(seen: Seen) -> None:
    for form in ("", "text", "json"):
        shown = seen.text("hostile", form)
        assert shown.startswith('<script>document.title="owned"</script>')
        assert "[U+202E]" in shown
        assert seen.page.title() == "Body of hostile · Tidegate"
    assert seen.saved() == HOSTILE


def test_no_body_is_said_to_be_none(seen: Seen, shop: Filled, queue: str) -> None:
    seen.page.goto(f"{shop.console}{queue}/tasks/empty/body")
    seen.says("No body.")
    assert seen.saved() == b""
