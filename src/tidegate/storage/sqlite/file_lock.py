"""A lock on an open file that goes with the process, however it ends: as this system has it."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt

    def lock(descriptor: int) -> None:
        """Keep other processes from locking the same file. Raises BlockingIOError if one has."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # its first byte stands for all
        except OSError as error:
            raise BlockingIOError(*error.args) from error
else:

    def lock(descriptor: int) -> None:
        """Keep other processes from locking the same file. Raises BlockingIOError if one has."""
        import fcntl  # noqa: PLC0415 - a store in memory does without

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
