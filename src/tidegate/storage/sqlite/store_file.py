"""The file of a store: for its owner's eyes only, held by one process, and watched while it is open."""

from __future__ import annotations

import logging
import os
import stat
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from tidegate.engine.ports.store import StoreError
from tidegate.storage.sqlite import file_lock
from tidegate.storage.sqlite.file_systems import network_file_system

logger = logging.getLogger(__name__)

OWNER_ONLY: Final = 0o600
OTHERS: Final = 0o077

LOOK_EVERY: Final = 0.25
"""Seconds between two looks whether the files still have their names."""

_held: set[tuple[int, int]] = set()
"""Device and inode of the files that this process holds. Opening one of them again and closing it would take SQLite's
own locks off it, for those belong to the process."""


class LockedError(StoreError):
    """Another process has the store open."""


class StoreFile:
    """A store's file, locked for this process until ``close``.

    Two locks: one on the file ``-lock`` beside it, and where the system keeps such locks apart from those of SQLite
    (Linux, on local disks) one on the file itself, which holds whatever name it is opened by.
    """

    def __init__(self, path: Path, descriptor: int, taken: ExitStack) -> None:
        self.path = path
        """Where the file really is, symbolic links followed."""
        self._descriptor = descriptor
        self._taken = taken
        self._watched: list[tuple[Path, tuple[int, int]]] = []
        self._look_at = 0.0

    @classmethod
    def take(cls, named: Path) -> StoreFile:
        """Lock the file of a store; one that is not there is made, empty and readable by its owner alone.

        Raises LockedError when another process holds it, StoreError when it cannot be opened or has several names.
        """
        path = Path(os.path.realpath(named))  # SQLite's own files stand beside the file, not beside a link to it
        with ExitStack() as taken:
            try:
                _lock_beside(path, taken)
                descriptor = _lock_itself(path, taken)
            except BlockingIOError as error:
                raise _locked(named) from error
            except OSError as error:
                folder = path.parent if named.is_symlink() else named.parent
                cure = f"make the directory {folder}" if isinstance(error, FileNotFoundError) else "check the path"
                raise StoreError(
                    f"cannot open the store {named}: {error.strerror}; {cure} or name another --store"
                ) from error
            held = taken.pop_all()
        return cls(path, descriptor, held)

    def watch(self) -> None:
        """Remember the files as they are now that SQLite has opened them, and take them away from others' eyes."""
        journal, index = Path(f"{self.path}-wal"), Path(f"{self.path}-shm")
        for path in (self.path, journal, index):
            _hide(path)
        self._watched = [(path, _identity(path.stat())) for path in (self.path, journal)]

    def check(self) -> None:
        """Raises StoreError when the file was removed: what is written to a file without a name is lost.

        Four times a second it also looks whether file and journal still have their names. At each commit that would
        cost a lone create 20 us of processor time; asking only how many names the file has costs less than 10.
        """
        if os.fstat(self._descriptor).st_nlink == 0:
            raise StoreError(f"{self.path} was removed or replaced while in use")
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_EVERY
            self._look()

    def _look(self) -> None:
        for path, identity in self._watched:
            try:
                found = path.stat()
            except OSError as error:
                raise StoreError(f"{path} was removed or moved while in use: {error.strerror}") from error
            if _identity(found) != identity:
                raise StoreError(f"{path} was replaced while in use")

    def close(self) -> None:
        """Give the locks back. Only when SQLite has closed the file: its own locks would go, too."""
        self._taken.close()


def _lock_beside(path: Path, taken: ExitStack) -> None:
    lock = os.open(f"{path}-lock", os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    taken.callback(os.close, lock)
    file_lock.lock(lock)


def _lock_itself(path: Path, taken: ExitStack) -> int:
    if path.exists():
        _check(path, path.stat())
    file = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    taken.callback(os.close, file)
    found = os.fstat(file)
    _check(path, found)
    network = network_file_system(found.st_dev)
    if network is not None:
        logger.warning(
            "the store %s is on a network file system (%s), where locks and syncs may not hold: two servers may open it"
            " and a crash may lose tasks; keep it on a local disk",
            path,
            network,
        )
    elif sys.platform == "linux":
        file_lock.lock(file)
    _held.add(_identity(found))
    taken.callback(_held.discard, _identity(found))
    return file


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise StoreError(f"the store {path} is not a file; name another --store")
    if _identity(found) in _held:
        raise _locked(path)
    if found.st_nlink != 1:
        raise StoreError(
            f"the store {path} has {found.st_nlink} names (hard links), by each of which a server might open it; "
            "remove the others or name another --store"
        )


def _locked(path: Path) -> LockedError:
    return LockedError(f"the store {path} is in use by another process; stop it or name another --store")


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino


def _hide(path: Path) -> None:
    """Let nobody but the owner read a file: bodies and headers of tasks are in it."""
    if not stat.S_IMODE(path.stat().st_mode) & OTHERS:
        return
    try:
        path.chmod(OWNER_ONLY)
    except OSError as error:
        logger.warning("%s can be used by others than its owner, and stays so: %s", path, error.strerror)
    else:
        logger.warning("%s could be used by others than its owner; now it cannot", path)
