"""The command line with a store on PostgreSQL: served, migrated, moved into."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.cli.running import run
from tests.cli.serving import refused, served

from tidegate.clock import SystemClock
from tidegate.opened_store import open_store
from tidegate.operator_errors import OperatorError
from tidegate.settings.stores import PostgresUrl
from tidegate.storage.postgres import migrations

PARENT = "projects/p/locations/us-central1/queues/mail"


@pytest.fixture
def store(postgres_url: str) -> Iterator[str]:
    """The URL of a store whose tables are not there yet."""
    yield f"{postgres_url}?schema=commands"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS commands CASCADE")


def call(address: str, method: str, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://{address}{path}", method=method, data=data, headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def create(address: str, task_id: str) -> None:
    task = {"name": f"{PARENT}/tasks/{task_id}", "httpRequest": {"url": "http://127.0.0.1:1/"}}
    call(address, "POST", f"/v2/{PARENT}/tasks", {"task": task})


def tasks(address: str) -> list[str]:
    listed = call(address, "GET", f"/v2/{PARENT}/tasks")
    return [task["name"].rpartition("/")[2] for task in listed.get("tasks", ())]


def test_two_servers_share_a_store_and_all_they_have_is_there_after_them(store: str, tmp_path: Path) -> None:
    arguments = ("--store", store, "--queue", PARENT)
    with served(*arguments, directory=tmp_path) as one, served(*arguments, directory=tmp_path) as other:
        for address in (one, other):
            assert call(address, "GET", "/readyz") == {"status": "serving"}
            call(address, "POST", f"/v2/{PARENT}:pause", {})
        create(one, "a")
        create(other, "b")
        assert tasks(one) == tasks(other) == ["a", "b"]
        with pytest.raises(urllib.error.HTTPError, match="409"):
            create(other, "a")
        keys = [call(address, "GET", "/oauth2/v3/certs") for address in (one, other)]
        assert keys[0] == keys[1]
        assert "tidegate_build_info{" in metrics(one)
    with served(*arguments, directory=tmp_path) as again:
        assert tasks(again) == ["a", "b"]


def metrics(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=30) as answer:
        found: str = answer.read().decode()
        return found


def test_migrate_says_what_it_did(store: str) -> None:
    first, second = run("migrate", "--store", store), run("migrate", "--store", store)
    steps = len(list(Path(migrations.__path__[0]).glob("*.sql")))
    assert (first.exit_code, first.stdout) == (0, f"{store}: {steps} steps taken\n")
    assert (second.exit_code, second.stdout) == (0, f"{store} is up to date\n")


def test_a_file_is_moved_and_served_from_there(store: str, tmp_path: Path) -> None:
    file = f"sqlite:///{tmp_path}/tidegate.db"
    with served("--store", file, "--queue", PARENT, directory=tmp_path) as address:
        call(address, "POST", f"/v2/{PARENT}:pause", {})
        create(address, "a")
    done = run("move", "--from", file, "--to", store)
    assert (done.exit_code, done.stdout) == (0, f"moved 1 queues and 1 tasks to {store}; serve {file} no more\n")
    with served("--store", store, directory=tmp_path) as address:
        assert tasks(address) == ["a"]
    done = run("move", "--from", file, "--to", store)
    assert done.exit_code == 1
    assert "is in use already" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["migrate", "--store", "sqlite:///a.db"], "migrate is for stores on PostgreSQL, not sqlite:///a.db"),
        (["move", "--from", "sqlite://:memory:", "--to", "postgresql://db/x"], "move reads a store in a file"),
        (["move", "--from", "sqlite:///a.db", "--to", "sqlite:///b.db"], "move is for stores on PostgreSQL"),
        (["move", "--from", "sqlite:///none.db", "--to", "postgresql://db/x"], "there is no store at none.db"),
        (["check", "postgresql://db/x"], "is checked by its own tools"),
    ],
)
def test_a_store_of_the_wrong_kind_is_refused(arguments: list[str], says: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 1
    assert says in done.stderr


def test_a_database_that_is_not_there_is_one_line_without_its_password(tmp_path: Path) -> None:
    said = refused("--store", "postgresql://me:s3cret@127.0.0.1:1/tasks", directory=tmp_path)
    assert said.startswith("cannot reach the store postgresql://me:***@127.0.0.1:1/tasks: ")
    assert said.count("\n") == 1
    assert "s3cret" not in said


async def test_without_the_driver_the_line_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "tidegate.storage.postgres", raising=False)
    monkeypatch.setitem(sys.modules, "tidegate.storage.postgres", None)
    with pytest.raises(OperatorError, match=r"pip install 'tidegate\[postgres\]'"):
        await open_store(PostgresUrl("postgresql://db/x"), SystemClock())
