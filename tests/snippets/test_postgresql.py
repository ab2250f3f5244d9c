"""What docs/postgresql.md and docs/backup.md do with a database, done in one."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
from tests.cli.serving import served
from tests.kit.postgres_server import PostgresServer, postgres_server
from tests.snippets.claims import snippet
from tests.snippets.shell import check_install, shell

import tidegate

SNIPPETS = {
    "docs/postgresql.md sh 1 2 3": "typed, with the test's database in place of the page's",
    "docs/postgresql.md sql 1 2": "run by a superuser; a server then works with the role that they make",
    "docs/backup.md sh 4 5": "typed, with the programs of the test's database",
}

PAGE = "docs/postgresql.md"
QUEUE = "projects/p/locations/here/queues/mail"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A cluster with the two roles that own databases on the pages."""
    with postgres_server() as made:
        statements(made.url, "CREATE ROLE owner LOGIN; CREATE ROLE tidegate LOGIN")
        yield made


@pytest.fixture
def tasks(server: PostgresServer) -> Iterator[str]:
    """The URL, by which its superuser reaches it, of the empty database ``tasks``, which ``owner`` owns."""
    statements(server.url, "CREATE DATABASE tasks OWNER owner")
    yield psycopg.conninfo.make_conninfo(server.url, dbname="tasks")
    statements(server.url, "DROP DATABASE tasks WITH (FORCE)")


def statements(url: str, text: str) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for statement in filter(str.strip, text.split(";")):
            connection.execute(statement.encode())


def here(text: str, server: PostgresServer) -> str:
    """The commands, for the test's server."""
    assert "db.internal" in text
    return text.replace("db.internal", f"127.0.0.1:{server.port}")


def store(server: PostgresServer, role: str, words: str = "") -> str:
    return f"postgresql://{role}@127.0.0.1:{server.port}/tasks{words}"


def test_the_first_node_makes_its_tables_by_the_line_that_is_shown(server: PostgresServer, tmp_path: Path) -> None:
    statements(server.url, "CREATE DATABASE tasks OWNER tidegate")
    install, serve = here(snippet(PAGE, "sh", 1), server).splitlines()
    check_install(install)
    program, command, *words = shlex.split(serve)
    assert (program, command) == ("tidegate", "serve")
    words[words.index("10.0.0.5")] = "127.0.0.1"
    with (
        served(*words, directory=tmp_path) as address,
        urlopen(f"http://{address}/readyz", timeout=60) as answer,
    ):
        assert answer.status == 200
    statements(server.url, "DROP DATABASE tasks WITH (FORCE)")


def test_a_role_that_may_only_serve_does_so_and_behind_a_pooler_too(
    server: PostgresServer, tasks: str, tmp_path: Path
) -> None:
    assert "steps taken" in shell(here(snippet(PAGE, "sh", 2), server), tmp_path)
    statements(tasks, snippet(PAGE, "sql", 1))
    with served("--store", store(server, "serving"), "--queue", QUEUE, directory=tmp_path) as address:
        create(address)
    with (
        closing(psycopg.connect(store(server, "serving"))) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE TABLE tidegate.mine (n int)")
    statements(tasks, snippet(PAGE, "sql", 2))
    with served("--store", store(server, "serving", "?prepare=off"), directory=tmp_path) as address:
        assert names(address) == [f"{QUEUE}/tasks/one"]


@pytest.mark.usefixtures("tasks")
def test_a_dump_that_was_made_beside_a_server_brings_back_what_it_had(server: PostgresServer, tmp_path: Path) -> None:
    owner = store(server, "owner")
    with served("--store", owner, "--queue", QUEUE, directory=tmp_path) as address:
        create(address)
        shell(here(snippet("docs/backup.md", "sh", 4), server), tmp_path, programs=server.commands)
    statements(owner, "DROP SCHEMA tidegate CASCADE")
    shell(here(snippet("docs/backup.md", "sh", 5), server), tmp_path, programs=server.commands)
    with served("--store", owner, directory=tmp_path) as address:
        assert names(address) == [f"{QUEUE}/tasks/one"]


@pytest.mark.usefixtures("tasks")
def test_a_file_moves_into_the_database(server: PostgresServer, tmp_path: Path) -> None:
    with served("--store", "sqlite:///tidegate.db", "--queue", QUEUE, directory=tmp_path) as address:
        create(address)
    assert "moved 1 queues and 1 tasks" in shell(here(snippet(PAGE, "sh", 3), server), tmp_path)
    with served("--store", store(server, "owner"), directory=tmp_path) as address:
        assert names(address) == [f"{QUEUE}/tasks/one"]


def create(address: str) -> None:
    """One task, which waits."""
    with tidegate.connect(address) as client:
        client.pause_queue(name=QUEUE)
        task = {"name": f"{QUEUE}/tasks/one", **tidegate.http_task("https://example.com/")}
        client.create_task(parent=QUEUE, task=task)


def names(address: str) -> list[str]:
    with tidegate.connect(address) as client:
        return [task.name for task in client.list_tasks(parent=QUEUE)]
