"""A disk that is really full, under a real server: new tasks are refused, everything else goes on."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import pytest
from tests.endtoend.calls import create_queue, create_task, get_task, is_gone, list_tasks, queue_name
from tests.endtoend.client import GoogleClient, rfc3339
from tests.endtoend.handler import Handler, wall
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually
from tests.kit.fixtures import alive
from tests.kit.told import Told
from tests.power.disk import Disk
from tests.power.history import NOON, history, state

from tidegate.core.bucket import Flow
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.engine.ports.store import StoreFullError, Transaction
from tidegate.storage.sqlite import SqliteStore, disk_reserve

SMALL = 96 * 2**20
"""Bytes of the disk."""

UNSHARE = ["unshare", "--user", "--map-root-user", "--mount"]
LATER = 3600 * 1_000_000


def may_mount() -> bool:
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], check=False, capture_output=True).returncode == 0


of_its_own = pytest.mark.skipif(not may_mount(), reason="needs a disk of its own")


class SmallDisk(Server):
    """A server whose store is on a small disk, which only it and those who look through its process see."""

    @property
    def store(self) -> Path:
        return self.directory / "disk" / "tidegate.db"

    def command(self) -> list[str]:
        disk = self.store.parent
        disk.mkdir(exist_ok=True)
        script = f'mount -t tmpfs -o size={SMALL} none "$0" && exec "$@"'
        return [*UNSHARE, "sh", "-c", script, str(disk), *super().command()]

    def fill(self) -> Path:
        """Take every byte that is left; return the file that has them."""
        filler = Path(f"/proc/{self.pid}/root{self.store.parent}/filler")
        size = 2**20
        with filler.open("ab", buffering=0) as file:
            while size:
                try:
                    written = file.write(bytes(size))
                except OSError:
                    written = 0
                if written < size:
                    size //= 2
        return filler


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SmallDisk]:
    with alive(SmallDisk(tmp_path)) as server:
        yield server


@of_its_own
def test_on_a_full_disk_tasks_are_read_removed_and_delivered_but_not_created(server: SmallDisk) -> None:
    with Handler() as handler, GoogleClient(server.address) as client:
        create_queue(client, "q")
        create_queue(client, "paused")
        client.call("pause_queue", name=queue_name("paused"))
        body = base64.b64encode(os.urandom(20_000)).decode()
        request = {"url": handler.url("200"), "body": body}
        due = rfc3339(wall() + LATER)
        kept = [create_task(client, "q", "", http_request=request, schedule_time=due) for _ in range(200)]
        told = Told(created=set(kept))
        waiting = [create_task(client, "paused", handler.url("500,200")) for _ in range(50)]

        filler = server.fill()
        refused = []

        def create() -> str:
            task = {"http_request": request, "schedule_time": due}
            reply = client.reply("create_task", parent=queue_name("q"), task=task)
            if reply.code == "OK":
                told.created.add(reply.answer["name"].rsplit("/", 1)[1])
            else:
                assert (reply.code, reply.message) == ("RESOURCE_EXHAUSTED", "The server's disk is full.")
                refused.append(reply)
            return reply.code

        eventually("creates are refused", lambda: create() != "OK")
        # The first refusal freed the reserve; whoever else writes to the disk may take what he can.
        assert get_task(client, "q", kept[0])["name"].endswith(kept[0])
        assert set(list_tasks(client, "q")) == told.kept()
        for task in kept[:150]:
            client.call("delete_task", name=f"{queue_name('q')}/tasks/{task}")
            told.removal_asked.add(task)
        client.call("resume_queue", name=queue_name("paused"))
        eventually("what waits is delivered", lambda: all(handler.delivered("paused", task) for task in waiting))
        eventually("and is over", lambda: all(is_gone(client, "paused", task) for task in waiting))
        assert create() == "RESOURCE_EXHAUSTED"
        assert set(list_tasks(client, "q")) == told.kept()

        with suppress(FileNotFoundError):
            filler.unlink()
        eventually("there is room again", lambda: create() == "OK")
        assert set(list_tasks(client, "q")) == told.kept()
        assert len(refused) >= 2


async def test_what_is_set_aside_lets_removals_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk_reserve, "LOOK_EVERY", 3600.0)
    disk = Disk()
    store = await SqliteStore.open(tmp_path / "t.db", vfs=disk.name)
    name = QueueName.of("p", "l", "kept")
    queue = Queue(name=name)

    def make(tx: Transaction) -> None:
        tx.add_queue(queue, Flow.fresh(queue.rate_limits, NOON))

    def remove(tx: Transaction) -> None:
        stored = tx.queue(name)
        assert stored is not None
        tx.delete_queue(stored, NOON)

    await store.write(make)

    def fail(what: str) -> None:
        if what == "write" and store._reserve._file is not None:
            raise apsw.FullError

    disk.fails = fail
    outcomes = await asyncio.gather(store.write(history(1, 1)[0]), store.write(remove), return_exceptions=True)
    assert [type(each) for each in outcomes] == [StoreFullError, type(None)]
    assert (await store.read(state))["queues"] == []

    with pytest.raises(StoreFullError):
        await store.write(make)
    disk.fails = lambda what: None
    store._reserve._look_at = 0.0
    await store.write(make)
    await store.close()
    disk.close()


async def test_what_never_fits_is_tried_again_once_and_smaller_work_goes_on(tmp_path: Path) -> None:
    await (await SqliteStore.open(tmp_path / "t.db")).close()
    disk = Disk()
    store = await SqliteStore.open(tmp_path / "t.db", vfs=disk.name)
    log = tmp_path / "t.db-wal"
    refusals = 0

    def fail(what: str) -> None:
        nonlocal refusals
        if what == "write" and disk.writing == str(log) and log.stat().st_size >= 100_000:
            refusals += 1
            raise apsw.FullError

    disk.fails = fail
    with pytest.raises(StoreFullError):
        await store.write(lambda tx: tx.put_document("policy", "a", bytes(1_000_000)))
    assert refusals == 2
    await store.write(lambda tx: tx.put_document("policy", "b", b"1"))
    await store.close()
    disk.close()
