"""The power is cut at every point of a history: what was acknowledged is there afterwards, and nothing by halves."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.kit.figures import note
from tests.power.cuts import Cuts, opened
from tests.power.disk import Disk
from tests.power.history import Step, history, state

from tidegate.engine.ports.store import StoreError, StoreFullError, Transaction
from tidegate.storage.sqlite import MemoryStore, SqliteStore, check, disk_reserve
from tidegate.storage.sqlite import store as sqlite

CUTS = int(os.environ.get("CUTS", "300"))
STEPS = 12


@asynccontextmanager
async def failing(folder: Path) -> AsyncIterator[tuple[Disk, SqliteStore, list[StoreError]]]:
    """A disk that a test may have fail, the store on it, and what is told of the store when it breaks."""
    broken: list[StoreError] = []
    with closing(Disk()) as disk:
        async with opened(folder / "t.db", broken.append, vfs=disk.name) as store:
            try:
                yield disk, store, broken
            finally:
                disk.fails = lambda what: None


async def expected(steps: list[Step]) -> list[dict[str, list[tuple[Any, ...]]]]:
    """What the store must hold after none, one, two … of the steps."""
    store = MemoryStore()
    states = [await store.read(state)]
    for step in steps:
        await store.write(step)
        states.append(await store.read(state))
    await store.close()
    return states


async def found(folder: Path, files: dict[str, bytes]) -> dict[str, list[tuple[Any, ...]]]:
    """What a store holds that is opened on these files; they are found sound, too."""
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    for name, content in files.items():
        if not name.endswith("-shm"):
            (folder / name).write_bytes(content)
    async with opened(folder / "t.db") as store:
        holds = await store.read(state)
    assert check(folder / "t.db") == []
    return holds


async def left_by(steps: list[Step], folder: Path, dice: random.Random) -> dict[str, bytes]:
    """What is found when the power goes after these steps."""
    with closing(Disk()) as disk:
        async with opened(folder / "t.db", vfs=disk.name) as store:
            for step in steps:
                await store.write(step)
            return disk.cut(dice)


async def cuts_of(seed: int, folder: Path, most: int) -> int:
    """Play the history of a seed, cutting the power as it goes; how often it was cut."""
    dice = random.Random(seed)
    steps = history(seed, STEPS)
    states = await expected(steps)
    folder.mkdir()  # noqa: ASYNC240 - nothing else runs on this loop
    acknowledged = 0
    cuts: Cuts[tuple[int, dict[str, bytes]]] = Cuts(random.Random(seed), most)
    with closing(Disk()) as disk:
        async with opened(folder / "t.db", vfs=disk.name) as store:
            disk.watch = lambda: cuts.moment(lambda: (acknowledged, disk.cut(dice)))
            for step in steps:
                await store.write(step)
                acknowledged += 1
            disk.watch = lambda: None
            for number, (done, files) in enumerate(cuts.chosen):
                holds = await found(folder / f"cut{number}", files)
                allowed = states[done : done + 2]  # the step that was under way may be there, but whole
                assert holds in allowed, f"seed {seed}, cut {number}: after {done} acknowledged steps"
    return len(cuts.chosen)


async def test_after_a_power_cut_every_acknowledged_step_is_there_and_none_by_halves(tmp_path: Path) -> None:
    done, seed = 0, 0
    while done < CUTS:
        done += await cuts_of(seed, tmp_path / f"{seed}", min(60, CUTS - done))
        seed += 1
    note("store cuts", cuts=done, violations=0)


async def lost(seed: int, folder: Path) -> bool:
    try:
        await cuts_of(seed, folder / f"{seed}", 30)
    except (AssertionError, StoreError):
        return True
    return False


async def test_the_cuts_would_find_a_store_that_does_not_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SYNCHRONOUS", "OFF")
    found = [await lost(seed, tmp_path) for seed in range(5)]
    assert any(found)


async def test_after_a_failed_sync_nothing_is_acknowledged_any_more(tmp_path: Path) -> None:
    async with failing(tmp_path) as (disk, store, broken):
        steps = history(1, 6)
        await store.write(steps[0])

        def fail(what: str) -> None:
            if what == "sync":
                raise apsw.IOError

        disk.fails = fail
        with pytest.raises(StoreError):
            await store.write(steps[1])
        assert len(broken) == 1
        disk.fails = lambda what: None  # the disk says it is well again; nobody knows what it kept
        for step in steps[2:]:
            with pytest.raises(StoreError):
                await store.write(step)


async def test_a_failed_read_breaks_the_store(tmp_path: Path) -> None:
    async with failing(tmp_path) as (disk, store, broken):
        await store.write(history(1, 1)[0])

        def fail(what: str) -> None:
            if what == "read":
                raise apsw.IOError

        disk.fails = fail
        with pytest.raises(StoreError):
            await store.read(lambda tx: tx.backlog())
        assert len(broken) == 1


async def test_a_disk_that_fails_while_room_is_made_breaks_the_store_and_everybody_is_told(tmp_path: Path) -> None:
    async with failing(tmp_path) as (disk, store, broken):
        steps = history(1, 3)
        await store.write(steps[0])
        errors = chain([apsw.FullError], repeat(apsw.IOError))  # the second one at the checkpoint

        def fail(what: str) -> None:
            if what == "write":
                raise next(errors)

        disk.fails = fail
        outcomes = await asyncio.gather(*[store.write(step) for step in steps[1:]], return_exceptions=True)
        assert [type(each) for each in outcomes] == [StoreError] * 2
        assert len(broken) == 1


async def test_a_log_that_is_gone_when_room_is_made_breaks_the_store(tmp_path: Path) -> None:
    async with failing(tmp_path) as (disk, store, broken):

        def fail(what: str) -> None:
            (tmp_path / "t.db-wal").unlink()
            raise apsw.FullError

        disk.fails = fail
        with pytest.raises(StoreError, match=r"No such file or directory"):
            await store.write(history(1, 1)[0])
        assert len(broken) == 1


async def test_a_rollback_that_fails_breaks_the_store(tmp_path: Path) -> None:
    broken: list[StoreError] = []

    def tell(error: StoreError) -> None:
        broken.append(error)
        raise ValueError("the one who is told fails, too")

    store = await SqliteStore.open(tmp_path / "t.db", tell)

    def trace(cursor: apsw.Cursor, sql: str, bindings: object) -> bool:
        if sql == "ROLLBACK":
            raise apsw.BusyError("not now")
        return True

    def work(tx: Transaction) -> None:
        tx.put_document("policy", "a", b"1")
        raise ValueError("no")

    store._writer._connection.exec_trace = trace
    for _ in range(2):
        with pytest.raises(StoreError, match="could not roll back: not now"):
            await store.write(work)
    assert [str(error) for error in broken] == ["the store could not roll back: not now"]
    await store.close()


async def test_a_full_disk_refuses_what_needs_room_and_goes_on_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk_reserve, "LOOK_EVERY", 0.0)
    async with failing(tmp_path) as (disk, store, broken):
        steps = history(2, 8)
        await store.write(steps[0])
        before = await store.read(state)

        def fail(what: str) -> None:
            if what == "write":
                raise apsw.FullError

        disk.fails = fail
        writing = [lambda tx: tx.put_document("policy", "a", b"1")] * 3
        refused = await asyncio.gather(*[store.write(work) for work in writing], return_exceptions=True)
        assert [type(each) for each in refused] == [StoreFullError] * 3
        assert await store.read(state) == before
        disk.fails = lambda what: None
        await store.write(steps[4])
        assert broken == []


async def test_a_log_that_was_cut_short_loses_only_what_was_cut(tmp_path: Path) -> None:
    steps = history(3, 8)
    states = await expected(steps)
    files = await left_by(steps, tmp_path, random.Random(0))
    log = files["t.db-wal"]
    for number, size in enumerate(range(0, len(log), max(1, len(log) // 20))):
        holds = await found(tmp_path / f"cut{number}", {**files, "t.db-wal": log[:size]})
        assert holds in [*states, {table: [] for table in states[0]}]


async def test_a_flipped_bit_in_the_log_never_makes_up_a_history(tmp_path: Path) -> None:
    steps = history(4, 8)
    states = await expected(steps)
    dice = random.Random(0)
    files = await left_by(steps, tmp_path, dice)
    for number in range(20):
        log = bytearray(files["t.db-wal"])
        log[dice.randrange(32, len(log))] ^= 1 << dice.randrange(8)
        assert await found(tmp_path / f"cut{number}", {**files, "t.db-wal": bytes(log)}) in states
