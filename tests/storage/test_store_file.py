"""The store's file is for its owner's eyes only, is held by one server, and is watched."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest
from tests.storage.one_queue import made, task

from tidegate.engine.ports.store import StoredQueue, StoreError
from tidegate.storage.sqlite import SqliteStore, check, file_lock, store_file
from tidegate.storage.sqlite.file_systems import network_file_system
from tidegate.storage.sqlite.store_file import LockedError

PATIENCE = 30.0  # seconds

OPEN = """
import asyncio, sys
from pathlib import Path
from tidegate.storage.sqlite import SqliteStore
from tidegate.storage.sqlite.store_file import LockedError
try:
    asyncio.run(SqliteStore.open(Path(sys.argv[1])))
except LockedError as error:
    sys.exit(str(error))
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def let_others_read(path: Path) -> None:
    path.chmod(0o644)


def beside(path: Path, ending: str) -> Path:
    return Path(f"{path}-{ending}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.db"


@pytest.fixture
def _anyone_may_read() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


class Broken:
    """What ``on_broken`` is told."""

    def __init__(self) -> None:
        self.errors: list[StoreError] = []
        self._told = threading.Event()

    def __call__(self, error: StoreError) -> None:
        self.errors.append(error)
        self._told.set()

    async def told(self) -> str:
        assert await asyncio.to_thread(self._told.wait, PATIENCE)
        (error,) = self.errors
        return str(error)


# Who may read it


@pytest.mark.usefixtures("_anyone_may_read")
async def test_nobody_else_may_read_a_new_store(path: Path) -> None:
    store = await SqliteStore.open(path)
    await made(store, task("a"))
    files = [path, *(beside(path, ending) for ending in ("wal", "shm", "lock"))]
    assert [mode(file) for file in files] == [0o600] * 4
    await store.close()


@pytest.mark.usefixtures("_anyone_may_read")
async def test_a_store_that_others_could_read_is_taken_from_them(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    await (await SqliteStore.open(path)).close()
    let_others_read(path)
    store = await SqliteStore.open(path)
    assert [mode(file) for file in (path, beside(path, "wal"), beside(path, "shm"))] == [0o600] * 3
    assert f"{path} could be used by others than its owner; now it cannot" in caplog.messages
    await store.close()


async def test_another_programs_database_keeps_its_mode(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE customers (name)")
    connection.close()
    let_others_read(path)
    with pytest.raises(StoreError, match="another program's database"):
        await SqliteStore.open(path)
    assert mode(path) == 0o644


# What happens to it while it is open


def remove(path: Path) -> None:
    path.unlink()


def remove_journal(path: Path) -> None:
    beside(path, "wal").unlink()


def move(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def put_back(path: Path) -> None:
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


def move_its_directory(path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))


harm = pytest.mark.parametrize("harm", [remove, remove_journal, move, put_back, move_its_directory])


@pytest.mark.parametrize("harm", [remove, put_back])
async def test_nothing_is_acknowledged_once_the_file_is_gone(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    (tmp_path / "here").mkdir()
    path, broken = tmp_path / "here" / "t.db", Broken()
    store = await SqliteStore.open(path, broken)
    stored = await made(store, task("a"))
    harm(path)
    for _ in range(2):
        with pytest.raises(StoreError, match=r"t\.db was removed or replaced while in use"):
            await store.write(lambda tx: tx.add_tasks(stored, [task("b")]))
    assert "while in use" in await broken.told()
    await store.close()


async def work_without_end(store: SqliteStore, stored: StoredQueue) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            await store.write(lambda tx: tx.living(stored, ["a"]))


@harm
async def test_a_busy_store_finds_out(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    (tmp_path / "here").mkdir()
    path, broken = tmp_path / "here" / "t.db", Broken()
    store = await SqliteStore.open(path, broken)
    stored = await made(store)
    harm(path)
    with pytest.raises(StoreError, match=r"t\.db(-wal)? was (removed|moved|replaced).* while in use"):
        await work_without_end(store, stored)
    assert "while in use" in await broken.told()
    await store.close()


@harm
async def test_an_idle_store_finds_out_by_itself(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    (tmp_path / "here").mkdir()
    path, broken = tmp_path / "here" / "t.db", Broken()
    store = await SqliteStore.open(path, broken)
    harm(path)
    assert "while in use" in await broken.told()
    await store.close()


async def test_what_is_made_beside_it_does_not_matter(path: Path) -> None:
    broken = Broken()
    store = await SqliteStore.open(path, broken)
    path.with_name("other.db").touch()
    beside(path, "lock").unlink()
    await made(store, task("a"))
    await store.close()
    assert broken.errors == []


# Who else may open it


def opened_by_another_process(path: Path) -> str:
    """What another process says that wants to open the store; empty when it could."""
    return errors_of(OPEN, path)


def errors_of(script: str, path: Path) -> str:
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    return done.stderr.strip()


async def test_a_symbolic_link_is_the_same_store(path: Path) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    store = await SqliteStore.open(link)
    assert beside(path, "wal").exists()
    assert not beside(link, "wal").exists()
    for name in (path, link):
        with pytest.raises(LockedError):
            await SqliteStore.open(name)
    assert "in use by another process" in opened_by_another_process(link)
    await store.close()
    await (await SqliteStore.open(path)).close()


async def test_a_store_with_several_names_is_refused(path: Path) -> None:
    await (await SqliteStore.open(path)).close()
    other = path.with_name("other.db")
    other.hardlink_to(path)
    for name in (path, other):
        with pytest.raises(StoreError, match=r"has 2 names \(hard links\)"):
            await SqliteStore.open(name)
    other.unlink()
    await (await SqliteStore.open(path)).close()


async def test_without_its_lock_file_the_store_is_still_locked(path: Path) -> None:
    store = await SqliteStore.open(path)
    beside(path, "lock").unlink()
    with pytest.raises(LockedError):
        await SqliteStore.open(path)
    await made(store, task("a"))
    await store.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the file's own lock would be one with SQLite's")
async def test_without_its_lock_file_the_store_is_still_locked_to_other_processes(path: Path) -> None:
    store = await SqliteStore.open(path)
    beside(path, "lock").unlink()
    assert "in use by another process" in opened_by_another_process(path)
    other = path.with_name("other.db")
    other.hardlink_to(path)
    remove(path)  # now it has one name, but another one
    assert "in use by another process" in opened_by_another_process(other)
    await store.close()


async def test_the_locks_of_sqlite_stay_when_a_second_opening_is_refused(path: Path) -> None:
    store = await SqliteStore.open(path)
    await made(store, task("a"))
    for _ in range(2):
        with pytest.raises(LockedError):
            await SqliteStore.open(path)
        beside(path, "lock").unlink(missing_ok=True)
    script = "import apsw, sys; apsw.Connection(sys.argv[1]).execute('PRAGMA journal_mode = DELETE').fetchall()"
    assert "locked" in errors_of(script, path)  # to leave the journal takes the whole database, which is in use
    await store.close()
    assert check(path) == []


async def test_where_locks_do_not_hold_the_first_server_finds_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_lock, "lock", lambda descriptor: None)
    broken = Broken()
    first = await SqliteStore.open(path, broken)
    store_file._held.clear()
    second = await SqliteStore.open(path)
    with pytest.raises(StoreError, match="another server has opened the store"):
        await made(first)
    assert "another server has opened the store" in await broken.told()
    await made(second, task("a"))
    await first.close()
    await second.close()


# File systems of networks


def mounts(tmp_path: Path, kind: str) -> Path:
    file = tmp_path / "mountinfo"
    file.write_text(
        "21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"40 21 0:45 / /mnt/a\\040b rw,relatime shared:2 master:3 - {kind} server:/export rw,vers=4.2\n"
    )
    return file


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux tells it")
@pytest.mark.parametrize(("kind", "found"), [("nfs4", "nfs4"), ("cifs", "cifs"), ("fuse.sshfs", "fuse.sshfs")])
def test_file_systems_of_networks_are_known(tmp_path: Path, kind: str, found: str) -> None:
    assert network_file_system(os.makedev(0, 45), mounts(tmp_path, kind)) == found


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs"])
def test_local_file_systems_are_none(tmp_path: Path, kind: str) -> None:
    assert network_file_system(os.makedev(0, 45), mounts(tmp_path, kind)) is None
    assert network_file_system(os.makedev(8, 1), mounts(tmp_path, kind)) is None
    assert network_file_system(os.makedev(9, 9), mounts(tmp_path, kind)) is None
    assert network_file_system(os.makedev(0, 45), tmp_path / "none") is None


async def test_a_store_on_one_works_and_warns(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(store_file, "network_file_system", lambda device: "nfs4")
    store = await SqliteStore.open(path)
    await made(store, task("a"))
    assert any("is on a network file system (nfs4)" in line for line in caplog.messages)
    await store.close()
