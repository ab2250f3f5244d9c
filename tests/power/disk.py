"""A disk whose power can be cut: a SQLite VFS that knows which writes were synced and which might be lost.

Everything passes through to real files. Beside them the disk keeps what would be found after a cut: the bytes as of
each file's last sync, and the writes since, which a real disk may have kept, dropped, reordered or torn.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import apsw

SECTOR = 512

_numbers = itertools.count()


class Write(NamedTuple):
    offset: int
    data: bytes

    def onto(self, image: bytearray) -> None:
        if len(image) < self.offset:
            image.extend(bytes(self.offset - len(image)))
        image[self.offset : self.offset + len(self.data)] = self.data


class Truncate(NamedTuple):
    size: int

    def onto(self, image: bytearray) -> None:
        del image[self.size :]


class Kept:
    """One file: what is certainly on disk, and what was written since."""

    def __init__(self, durable: bytes) -> None:
        self.durable = bytearray(durable)
        self.unsynced: list[Write | Truncate] = []

    def sync(self) -> None:
        for change in self.unsynced:
            change.onto(self.durable)
        self.unsynced.clear()

    def after_cut(self, dice: random.Random) -> bytes:
        """What may be found: any of the unsynced writes may be there, and one of them torn."""
        image = bytearray(self.durable)
        match dice.choice(["none", "all", "first ones", "any"]):
            case "none":
                kept = []
            case "all":
                kept = list(self.unsynced)
            case "first ones":
                kept = self.unsynced[: dice.randint(0, len(self.unsynced))]
            case _:
                kept = [change for change in self.unsynced if dice.random() < 0.5]
        for change in kept:
            if isinstance(change, Write) and len(change.data) > SECTOR and dice.random() < 0.2:
                whole = dice.randrange(0, len(change.data), SECTOR)
                change = Write(change.offset, change.data[:whole])  # noqa: PLW2901 - torn
            change.onto(image)
        return bytes(image)


class Disk:
    """The files of one folder. ``watch`` is called before and after each sync and write, in the thread that does it."""

    def __init__(self) -> None:
        self.name = f"cut{next(_numbers)}"
        self.watch: Callable[[], None] = lambda: None
        self.fails: Callable[[str], None] = lambda what: None
        self.writing = ""  # the file whose write may fail now
        self._files: dict[str, Kept] = {}
        self._lock = threading.RLock()
        self._vfs = _Vfs(self)

    def close(self) -> None:
        self._vfs.unregister()

    def file(self, path: str) -> Kept:
        with self._lock:
            if path not in self._files:
                there = Path(path)
                self._files[path] = Kept(there.read_bytes() if there.exists() else b"")
            return self._files[path]

    def change(self, path: str, change: Write | Truncate) -> None:
        with self._lock:
            self.file(path).unsynced.append(change)
        self.watch()

    def sync(self, path: str) -> None:
        self.watch()
        with self._lock:
            self.file(path).sync()
        self.watch()

    def delete(self, path: str) -> None:
        with self._lock:
            self._files.pop(path, None)

    def cut(self, dice: random.Random) -> dict[str, bytes]:
        """What is found when the power comes back: the bytes of each file, by its name."""
        with self._lock:
            return {Path(path).name: file.after_cut(dice) for path, file in self._files.items()}


class _Vfs(apsw.VFS):
    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__(disk.name, base="")

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:  # noqa: N802
        return _File(name, flags, self._disk)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802
        super().xDelete(filename, syncdir)
        self._disk.delete(filename)


class _File(apsw.VFSFile):
    def __init__(self, name: Any, flags: list[int], disk: Disk) -> None:
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        disk.file(self._path)  # as it is before SQLite makes it
        super().__init__("", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        self._disk.fails("read")
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        self._disk.writing = self._path
        self._disk.fails("write")
        super().xWrite(data, offset)
        self._disk.change(self._path, Write(offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:  # noqa: N802
        super().xTruncate(newsize)
        self._disk.change(self._path, Truncate(newsize))

    def xSync(self, flags: int) -> None:  # noqa: N802
        self._disk.fails("sync")
        self._disk.sync(self._path)
