"""What is done at once, and may be awaited like the verbs."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Self


class Done:
    """Done already. ``await`` gives it back, so that all verbs of an asynchronous test can be written alike."""

    def __await__(self) -> Generator[Any, None, Self]:
        yield from ()
        return self
