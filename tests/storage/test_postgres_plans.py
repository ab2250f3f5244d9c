"""How PostgreSQL runs each statement: by an index, whatever is in the tables."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.kit.postgres import OLDER
from tests.kit.postgres_programs import programs
from tests.storage.postgres_stores import empty, make_tables

from tidegate.settings.stores import PostgresUrl
from tidegate.storage.postgres import shelf_statements, statements
from tidegate.storage.postgres.connecting import Connection, connect

QUEUES, TASKS = 40, 20_000

OF_TASKS = {
    "DUE": "tasks_due",
    "FIRST_DUE": "tasks_due",
    "NEXT_DUE": "tasks_due",
    "BACKLOG": "tasks_due",
    "LEASABLE": "tasks_due",
    "LEASABLE_BY_TAG": "tasks_by_tag",
    "LAST_LEASES": "last_leases",
    "RELEASE": {"tasks_due", "tasks_pkey"},
    "FINISH": "tasks_pkey",
    "RETRY": "tasks_pkey",
    "MARK_DISPATCHED": "tasks_pkey",
    "MARK_FORCED": "tasks_pkey",
    "MARK_LEASED": "tasks_pkey",
    "MARK_LAST_LEASES": "tasks_pkey",
    "RESCHEDULE": "tasks_pkey",
    "RELEASE_SEQS": "tasks_pkey",
    "NEWEST": "tasks_pkey",
    "EXISTING": "tasks_pkey",
    "BODIES": "tasks_pkey",
    "TAKE_BACK": "tasks_pkey",
    "AGES": "tasks_pkey",
    "TASK": "tasks_by_id",
    "TASK_WITH_BODY": "tasks_by_id",
    "TASKS": "tasks_by_id",
    "TASKS_WITH_BODIES": "tasks_by_id",
    "LIVING": "tasks_by_id",
    "LEASES": "tasks_by_id",
    "LEASES_LOCKED": "tasks_by_id",
    "REMOVE": "tasks_by_id",
    "ENTOMBED": "tasks_by_id",
    "RESTORE_COUNTS": "tasks_by_id",
}
"""By which index of ``tasks`` a statement finds its rows; the others may take any."""

FEW_ROWS = {"NODES", "NAMESAKES", "RING_IS_USED", "COUNT_ANEW"}
"""Read whole, by intent."""


def all_statements() -> dict[str, str]:
    found = {**vars(statements), **vars(shelf_statements)}
    return {
        name: text
        for name, text in found.items()
        if name.isupper()
        and name[0] != "_"
        and isinstance(text, str)
        and text.startswith(("SELECT", "INSERT", "UPDATE", "DELETE", "WITH"))
    }


VERSIONS = ["PostgreSQL", *(["PostgreSQL 15"] if OLDER and programs() != OLDER else [])]
STATES = ["new", "empty", "full", "churned"]


@pytest.fixture(params=[f"{version}, {state}" for version in VERSIONS for state in STATES], scope="module")
def tables(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """Tables that are new, with nothing in them, with much, and with much that was changed again and again."""
    version, state = request.param.split(", ")
    postgres_url = request.getfixturevalue("postgres_url" if version == "PostgreSQL" else "older_postgres_url")
    make_tables(postgres_url)
    empty(postgres_url)
    connection = connect(PostgresUrl(postgres_url))
    if state in {"full", "churned"}:
        fill(connection)
    if state == "churned":
        churn(connection)
    if state != "new":
        connection.execute("ANALYZE")
    yield connection
    connection.close()
    empty(postgres_url)


def fill(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO queues (name, generation, settings) SELECT 'q' || n, n, '' FROM generate_series(1, %s) n",
        (QUEUES,),
    )
    connection.execute(
        "INSERT INTO flows SELECT id, n, 1.0, 0, NULL, NULL, '{}', 0, 0 FROM queues, generate_series(1, 50) n"
    )
    connection.execute("INSERT INTO generations (queue) SELECT id FROM queues")
    connection.execute(
        "INSERT INTO tasks (seq, generation, id, due, schedule_time, create_time, tag, settings, body)"
        " SELECT n, 1 + n %% %s, 't' || n, n, n, n, CASE WHEN n %% 2 = 0 THEN 'x' END, 'settings', 'body'"
        " FROM generate_series(1, %s) n",
        (QUEUES, TASKS),
    )
    connection.execute(
        "INSERT INTO tombstones SELECT n %% 7, 1 + n %% %s, 'g' || n, n FROM generate_series(1, 5000) n", (QUEUES,)
    )
    connection.execute(
        "INSERT INTO attempts (generation, task, number, record) SELECT 1 + n % 9, 't' || n, 1, ''"
        " FROM generate_series(1, 3000) n"
    )
    connection.execute(
        "INSERT INTO dead_tasks (queue, task, expires, size, record, body, attempts)"
        " SELECT 1 + n % 9, 't' || n, n, 1, '', '', '' FROM generate_series(1, 3000) n"
    )


def churn(connection: Connection) -> None:
    for _ in range(3):
        connection.execute("UPDATE tasks SET due = due + 1, node = 7")
    connection.execute("DELETE FROM tasks WHERE seq % 3 > 0")
    connection.execute("UPDATE tasks SET node = NULL WHERE seq % 2 = 0")


@pytest.mark.parametrize("name", all_statements())
def test_each_statement_finds_its_rows_by_an_index(tables: Connection, name: str) -> None:
    statement = all_statements()[name]
    plan = explained(tables, statement.format(ring=0) if name == "RING_IS_USED" else statement)
    nodes = list(walk(plan))
    kinds = {node["Node Type"] for node in nodes}
    if name not in FEW_ROWS:
        assert "Seq Scan" not in kinds
    assert kinds.isdisjoint({"Hash Join", "Merge Join", "Bitmap Heap Scan"})
    of_tasks = [node for node in nodes if node.get("Relation Name") == "tasks" and "Index Name" in node]
    used = {node["Index Name"] for node in of_tasks}
    expected = OF_TASKS.get(name, used)
    assert used == ({expected} if isinstance(expected, str) else expected)
    assert all(node.get("Index Cond") for node in of_tasks)


def explained(connection: Connection, statement: str) -> dict[str, Any]:
    """The plan of a statement as it is prepared, whatever its values."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        name = match[1] or f"value {len(names)}"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    text = re.sub(r"%(?:\((\w+)\))?b", number, statement)
    connection.execute("DEALLOCATE ALL", prepare=False)
    connection.execute(f"PREPARE planned AS {text}".encode(), prepare=False)
    values = f"({', '.join(['NULL'] * len(names))})" if names else ""
    found = connection.execute(f"EXPLAIN (FORMAT JSON) EXECUTE planned{values}".encode(), prepare=False).fetchone()
    assert found is not None
    (document,) = found[0] if isinstance(found[0], list) else json.loads(found[0])
    plan: dict[str, Any] = document["Plan"]
    return plan


def walk(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from walk(child)


def test_an_update_that_claims_touches_no_index(postgres_url: str) -> None:
    make_tables(postgres_url)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'tidegate' AND tablename = 'tasks'"
        ).fetchall()
    changed = {"dispatch_count", "dispatched_at", "first_dispatch_at", "node"}
    assert all(changed.isdisjoint(re.findall(r"\w+", definition)) for (definition,) in found)
