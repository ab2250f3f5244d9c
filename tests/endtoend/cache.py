"""What tests build once and keep outside the repository: clients in other languages, older libraries.

Several processes run tests at the same time, so whoever makes something there is alone with it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidegate-tests"


@contextmanager
def alone_with(place: Path) -> Iterator[Path]:
    """A directory of the cache, made where it is not yet; others that want the same one wait until the block ends."""
    place.mkdir(parents=True, exist_ok=True)
    with place.with_name(f"{place.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield place
