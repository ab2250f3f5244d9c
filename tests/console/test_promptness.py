"""What happens shows up in an open page within two seconds: the pauses on its way are shorter together."""

from __future__ import annotations

import re
from pathlib import Path

from tidegate.console import static_files
from tidegate.console.live import NUDGE_PAUSE

PROMISED = 2.0
"""Seconds, with what a page itself takes."""
FOR_THE_PAGE = 0.2
"""Seconds that are left for it to be asked for and made."""


def spacing() -> float:
    """Seconds between two requests of a page, of the script."""
    script = (Path(static_files.__file__).parent / "static/console.js").read_text()
    found = re.search(r"^const SPACING = (\d+);", script, re.MULTILINE)
    assert found is not None
    return int(found[1]) / 1000


def test_what_happens_is_gathered_and_pages_are_spaced_for_less_than_two_seconds() -> None:
    assert NUDGE_PAUSE + spacing() <= PROMISED - FOR_THE_PAGE
