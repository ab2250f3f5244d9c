"""One answer for all pages that ask for the same at the same time, as open pages do when something changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Final

from tidegate.console.answer import Answer

KEPT_FOR: Final = 1.0
"""Seconds for which an answer is given again."""
KEPT_MAX: Final = 200
"""Answers that are kept."""


class SharedAnswers:
    """Answers by what was asked, and by whom."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, asyncio.Future[Answer]]] = {}

    async def get(self, asked: Hashable, make: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer that was made a moment ago, or is being made, else a new one. Raises what ``make`` raises."""
        clock = asyncio.get_running_loop().time
        until, kept = self._kept.get(asked, (0.0, None))
        if kept is None or clock() >= until or kept.cancelled():
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            kept = asyncio.ensure_future(make())
            self._kept[asked] = (clock() + KEPT_FOR, kept)
        return await asyncio.shield(kept)

    def clear(self) -> None:
        """Forget all, because something was changed here."""
        self._kept.clear()
