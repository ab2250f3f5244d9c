"""A copy of a store in a file, made while a server uses it: all that was committed at one moment, and nothing later."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import apsw
from msgspec import Struct

from tidegate.engine.ports.store import StoreError
from tidegate.storage.sqlite.store import check, reading

PAGES_AT_ONCE: Final = 4096
"""Pages copied between two looks at Ctrl-C: 16 MB."""

OWNER_ONLY: Final = 0o600
PARTIAL: Final = ".partial"
"""Ends the name of a copy that is not done: whoever finds the backup's own name finds a whole one."""

KEYS: Final = "-keys.json"
"""Ends the name of the file of signing keys beside a store, and of their copy beside a backup."""


Progress = Callable[[int, int], None]


class BackedUp(Struct, frozen=True):
    """What a backup holds. ``size`` is in bytes; ``keys`` says whether there were signing keys to copy."""

    queues: int
    tasks: int
    size: int
    keys: bool


def backup(source: Path, target: Path, progress: Progress | None = None) -> BackedUp:
    """Copy a store to a new file, which is then synced and checked; a server may be using the store meanwhile.

    The copy takes its pages from one reading transaction, so writers neither wait for it nor spoil it. Raises
    StoreError when there is no such store, the target is taken or cannot be written, or the copy is not sound; there is
    no target then. ``progress`` is told how many pages are left, and of how many.
    """
    keys, partial = Path(f"{target}{KEYS}"), Path(f"{target}{PARTIAL}")
    for taken in (target, keys):
        if os.path.lexists(taken):
            raise StoreError(f"{taken} is there already; a backup overwrites nothing: name another file")
    try:
        with reading(source) as connection, ExitStack() as made:
            _make(partial, made)
            queues, tasks = _copy(connection, source, partial, progress)
            faults = _faults(partial)
            if faults:
                raise StoreError("\n".join([f"the copy of {source} is damaged, as the store is:", *faults]))
            ring = _keys_of(source)
            if ring is not None:
                _make(keys, made)
                keys.write_bytes(ring)
                _sync(keys)
            size = partial.stat().st_size
            partial.rename(target)
            made.pop_all()
            _sync(target.parent)
    except FileExistsError:
        raise StoreError(
            f"{partial} is there: another backup is at work, or one was killed; remove it, or name another file"
        ) from None
    except OSError as error:
        cure = f"; make the directory {target.parent}" if isinstance(error, FileNotFoundError) else ""
        raise StoreError(f"cannot write the backup {target}: {error.strerror}{cure}") from error
    return BackedUp(queues, tasks, size, ring is not None)


def _make(path: Path, made: ExitStack) -> None:
    """Make a file that its owner alone can read, and that is removed again unless all goes well."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, OWNER_ONLY))
    made.callback(path.unlink, missing_ok=True)


def _copy(connection: apsw.Connection, source: Path, partial: Path, progress: Progress | None) -> tuple[int, int]:
    """Copy the store's pages as they are at one moment, and sync them; how many queues and tasks are in them."""
    connection.execute("BEGIN")
    ((queues, tasks),) = connection.execute(
        "SELECT (SELECT count(*) FROM queues),"
        " (SELECT count(*) FROM tasks WHERE generation IN (SELECT generation FROM queues))"
    )
    _check_room(connection, source, partial.parent)
    try:
        with closing(apsw.Connection(str(partial))) as copy:
            copy.execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")  # it is synced once, at its end
            with copy.backup("main", connection, "main") as pages:
                while not pages.done:
                    pages.step(PAGES_AT_ONCE)
                    if progress is not None:
                        progress(pages.remaining, pages.page_count)
            copy.execute("PRAGMA journal_mode = DELETE").fetchall()  # one file, to be read where nothing can be written
    except apsw.Error as error:
        raise StoreError(f"cannot copy the store {source}: {error}; check its disk and that of the backup") from error
    connection.execute("COMMIT")  # from here on the server may empty its journal again
    _sync(partial)
    return queues, tasks


def _faults(partial: Path) -> list[str]:
    try:
        return check(partial)
    except StoreError as error:
        return [str(error)]


def _check_room(connection: apsw.Connection, source: Path, folder: Path) -> None:
    """Raises StoreError when the copy would fill its disk: the server may live on the same one."""
    needed = connection.pragma("page_count") * connection.pragma("page_size")
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"a copy of {source} takes {needed >> 20} MB, and {folder} has {free >> 20} MB free: name another disk"
        )


def _keys_of(source: Path) -> bytes | None:
    """The file of signing keys of a store, None when there is none yet."""
    try:
        return Path(f"{source}{KEYS}").read_bytes()
    except FileNotFoundError:
        return None


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, on the disk."""
    if sys.platform == "win32" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
