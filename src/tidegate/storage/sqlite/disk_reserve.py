"""Room for what must go on when the disk is full: removing tasks, and recording what became of them."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO

RESERVED = 32 * 2**20
"""Bytes: the write-ahead log up to its checkpoint, twice (``sqlite.CHECKPOINT_PAGES``)."""

LARGEST_PART = 4
"""Of a small disk no more than one part in so many."""

LOOK_EVERY = 1.0
"""Seconds between two looks for room."""


class Reserve:
    """A file without a name beside the store, which takes up room until a full disk needs it.

    The system frees it with the process, however that ends. While it is given up nothing new may be stored: what
    removals need would be filled with new tasks.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._look_at = 0.0

    def has_room(self) -> bool:
        """Whether something new may be stored: the reserve is there, or could be taken back."""
        if self._file is None and time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY
            self._take()
        return self._file is not None

    def give_up(self) -> bool:
        """Free the room; False when that was done before."""
        if self._file is None:
            return False
        self._file.close()
        self._file = None
        self._look_at = time.monotonic() + LOOK_EVERY
        return True

    def _take(self) -> None:
        try:
            disk = shutil.disk_usage(self._folder)
            size = min(RESERVED, disk.total // LARGEST_PART)
            if disk.free < size + size // 4:  # a little more, so that a disk at its limit does not go to and fro
                return
            file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - held for as long as the store
        except OSError:
            return
        try:
            _fill(file, size)
        except OSError:  # somebody else was quicker
            file.close()
        else:
            self._file = file


def _fill(file: IO[bytes], size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), 0, size)
        return
    block = bytes(2**20)
    for _ in range(0, size, len(block)):
        file.write(block)
    file.flush()
