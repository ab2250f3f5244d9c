"""What the SQLite file promises beyond the contract of every store."""

from __future__ import annotations

import asyncio
import re
from importlib import resources
from pathlib import Path

import apsw
import pytest
from tests.storage.claims import claim, force, lease, record
from tests.storage.one_queue import NOON, QUEUE, current, made, tallied, task

from tidegate.core.lease import LeaseFilter
from tidegate.core.queue import Queue
from tidegate.engine.ports.store import StoreError, Transaction, Verdict
from tidegate.storage.rows import queue_settings, task_values
from tidegate.storage.sqlite import APPLICATION_ID, SqliteStore, check, migrations
from tidegate.storage.sqlite.store_file import LockedError


async def test_what_was_written_is_there_after_reopening(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "t.db")
    await made(store, task("a"))
    await store.close()
    store = await SqliteStore.open(tmp_path / "t.db")
    stored = await current(store)
    assert [t.name.task for t in await store.read(lambda tx: tx.tasks(stored, "", 9, body=True))] == ["a"]
    await store.write(lambda tx: tx.add_tasks(stored, [task("b")]))  # sequence numbers go on, not from one again
    await store.close()
    assert check(tmp_path / "t.db") == []


async def test_a_second_process_is_told_that_the_store_is_in_use(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "t.db")
    with pytest.raises(LockedError, match=r"t\.db is in use by another process; stop it or name another --store"):
        await SqliteStore.open(tmp_path / "t.db")
    await store.close()
    await (await SqliteStore.open(tmp_path / "t.db")).close()


async def test_a_file_that_is_no_store_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_bytes(b"not a database, but long enough to be one" * 100)
    with pytest.raises(StoreError, match=r"cannot open the store .*t\.db: .*not a database"):
        await SqliteStore.open(tmp_path / "t.db")


@pytest.mark.parametrize(
    "theirs",
    [
        "CREATE TABLE customers (name)",
        "PRAGMA user_version = 3; CREATE TABLE queues (name); CREATE TABLE tasks (name)",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 50",
    ],
)
async def test_another_programs_database_is_refused_as_it_is(tmp_path: Path, theirs: str) -> None:
    path = tmp_path / "t.db"
    connection = apsw.Connection(str(path))
    connection.execute(theirs)
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"t\.db is another program's database; name another store"):
        await SqliteStore.open(path)
    with pytest.raises(StoreError, match=r"t\.db is another program's database; name another store"):
        check(path)
    assert path.read_bytes() == before


async def test_an_empty_file_is_no_store_until_one_is_made_in_it(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    path.touch()
    with pytest.raises(StoreError, match=r"t\.db is empty; 'tidegate serve' makes a store in it"):
        check(path)
    await (await SqliteStore.open(path)).close()
    assert check(path) == []
    assert apsw.Connection(str(path)).pragma("application_id") == APPLICATION_ID


async def test_a_store_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    await (await SqliteStore.open(tmp_path / "t.db")).close()
    connection = apsw.Connection(str(tmp_path / "t.db"))
    connection.execute("PRAGMA user_version = 1000")
    connection.close()
    for _ in range(2):  # what the first one took is free again
        with pytest.raises(StoreError, match="newer tidegate"):
            await SqliteStore.open(tmp_path / "t.db")


async def test_the_tasks_of_a_store_that_did_not_count_them_are_counted_once(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "t.db"))
    connection.execute((resources.files(migrations) / "0001_queues_and_tasks.sql").read_text())
    connection.execute("PRAGMA user_version = 1")
    insert = "INSERT INTO queues (name, generation, settings, tokens, filled_at) VALUES (?, 1, ?, 1, 0)"
    connection.execute(insert, (str(QUEUE), queue_settings(Queue(name=QUEUE))))
    connection.execute("INSERT INTO generations (id, queue) VALUES (1, 1)")
    for task_id in ("a", "b"):
        row = task_values(ord(task_id), 1, [task(task_id)])
        columns = "seq, generation, id, schedule_time, create_time, tag, settings, body"
        connection.execute(f"INSERT INTO tasks ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
    connection.close()
    store = await SqliteStore.open(tmp_path / "t.db")
    assert (await tallied(store)).tasks == 2
    await store.close()
    assert apsw.Connection(str(tmp_path / "t.db")).pragma("application_id") == APPLICATION_ID


async def test_documents_of_an_older_store_are_still_there(tmp_path: Path) -> None:
    connection = apsw.Connection(str(tmp_path / "t.db"))
    for step in ("0001_queues_and_tasks.sql", "0002_task_counts.sql", "0003_ramp.sql"):
        connection.execute((resources.files(migrations) / step).read_text())
    connection.execute("PRAGMA user_version = 3")
    connection.execute("INSERT INTO documents (kind, name, value) VALUES ('policy', 'a', x'31')")
    connection.close()
    assert check(tmp_path / "t.db") == []
    store = await SqliteStore.open(tmp_path / "t.db")
    assert await store.read(lambda tx: tx.document("policy", "a", NOON)) == b"1"
    await store.close()
    assert check(tmp_path / "t.db") == []


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        await SqliteStore.open(tmp_path / "none" / "t.db")


async def test_every_commit_is_synced(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "t.db")
    connection = store._writer._connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    await store.close()


async def test_one_work_that_raises_takes_only_its_own_changes_with_it(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "t.db")
    stored = await made(store)

    def put(task_id: str, *, fails: bool) -> asyncio.Future[None]:
        def work(tx: Transaction) -> None:
            tx.add_tasks(stored, [task(task_id)])
            if fails:
                raise ValueError(task_id)

        return asyncio.ensure_future(store.write(work))

    outcomes = await asyncio.gather(*[put(str(n), fails=n % 3 == 0) for n in range(9)], return_exceptions=True)
    assert [isinstance(each, ValueError) for each in outcomes] == [n % 3 == 0 for n in range(9)]
    there = await store.read(lambda tx: tx.tasks(stored, "", 99, body=False))
    assert [t.name.task for t in there] == ["1", "2", "4", "5", "7", "8"]
    await store.close()


@pytest.mark.parametrize(("raised", "told"), [(StopIteration, RuntimeError), (GeneratorExit, GeneratorExit)])
async def test_whatever_a_work_raises_everybody_is_answered(
    tmp_path: Path, raised: type[BaseException], told: type[BaseException]
) -> None:
    store = await SqliteStore.open(tmp_path / "t.db")

    def fail(tx: Transaction) -> None:
        raise raised

    async with asyncio.timeout(10):
        failing, going = asyncio.ensure_future(store.write(fail)), asyncio.ensure_future(store.write(lambda tx: 1))
        await asyncio.wait([failing, going])
    assert isinstance(failing.exception(), told)
    assert going.result() == 1
    await store.close()


async def test_a_waiter_that_is_cancelled_does_not_undo_its_work(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "t.db")
    stored = await made(store)
    writing = asyncio.ensure_future(store.write(lambda tx: tx.add_tasks(stored, [task("a")])))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await store.read(lambda tx: tx.living(stored, ["a"])) == {"a"}
    await store.close()


async def test_the_check_finds_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    store = await SqliteStore.open(path)
    await made(store, *[task(f"{n}", body=b"x" * 900) for n in range(200)])
    await store.close()
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(size - 3 * 4096)
        file.write(b"\xff" * 4096)
    try:
        found = check(path)
    except StoreError as error:
        found = [str(error)]
    assert found
    with pytest.raises(StoreError, match="there is no store at"):
        check(tmp_path / "other.db")


async def test_work_after_the_close_is_refused(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "t.db")
    await store.close()
    with pytest.raises(StoreError, match="the store is closed"):
        await store.write(lambda tx: tx.queue(QUEUE))


BIG = re.compile(r"^(SEARCH|SCAN) (?:tasks|bodies|tombstones)\b(?: USING (?:COVERING )?INDEX (\w+))?.*?(\(.*\))?$")


async def test_no_statement_of_the_hot_paths_reads_more_than_it_needs(tmp_path: Path) -> None:
    """A plan that walks a whole queue is fast in every other test and unusable with a million tasks."""
    store = await SqliteStore.open(tmp_path / "t.db")
    stored = await made(store, *[task(f"{n}") for n in range(5)])
    plans: list[tuple[str, str]] = []

    def explained(connection: apsw.Connection) -> None:
        def trace(cursor: apsw.Cursor, sql: str, bindings: object) -> bool:
            if not sql.startswith(("EXPLAIN", "BEGIN", "COMMIT", "INSERT INTO")):
                values = tuple(bindings) if bindings else ()  # type: ignore[arg-type]
                plans.extend((sql, row[3]) for row in connection.cursor().execute(f"EXPLAIN QUERY PLAN {sql}", values))
            return True

        connection.exec_trace = trace

    explained(store._writer._connection)

    def hot(tx: Transaction) -> None:
        tx.queue(QUEUE)
        tx.living(stored, ["1"])
        tx.entombed(stored, ["1"], NOON)
        claimed = claim(tx, stored, NOON, 2)
        tx.next_due([stored])
        tx.save_flows([(stored, stored.flow)])
        record(tx, stored, [Verdict(claimed[0], None), Verdict(claimed[1], claimed[1])], NOON)
        force(tx, stored, "3", NOON)
        tx.remove(stored, ["4"], NOON)
        for wanted in (LeaseFilter(), LeaseFilter("tag"), LeaseFilter(oldest=True)):
            lease(tx, stored, NOON, NOON, wanted, limit=1)
        tx.task(stored, "1", body=True)
        tx.tasks(stored, "1", 10, body=False)
        tx.has_tasks(stored)
        tx.last_leases(NOON, 10)
        tx.ages(None, 10)
        tx.clear(NOON, 10)

    await store.write(hot)
    await store.close()
    assert len(plans) > 20
    for sql, plan in plans:
        match = BIG.match(plan)
        if match is None:
            continue
        how, index, key = match.groups()
        whole_queue = index is not None and "id" not in key and "seq" not in key
        bounded = "LIMIT" in sql or "SELECT min(" in sql
        assert how == "SEARCH", f"{plan}: {sql}"
        assert not whole_queue or bounded, f"{plan}: {sql}"


async def test_commits_are_counted_with_what_went_into_each(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "tidegate.db")
    await asyncio.gather(*(store.write(lambda _tx: None) for _ in range(5)))
    await store.close()
    assert store.commits.jobs.total == 5
    assert sum(store.commits.seconds.counts) == sum(store.commits.jobs.counts) >= 1
    assert store.commits.failed == 0
