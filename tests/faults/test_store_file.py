"""The store's file is taken away from under a running server: nothing is acknowledged into nothing."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.endtoend.calls import create_queue, create_task, list_tasks, queue_name
from tests.endtoend.client import GoogleClient
from tests.endtoend.server import Server

URL = "http://127.0.0.1:9/"


def journal(store: Path) -> Path:
    return Path(f"{store}-wal")


def remove(store: Path) -> None:
    store.unlink()


def remove_journal(store: Path) -> None:
    journal(store).unlink()


def remove_all(store: Path) -> None:
    for file in store.parent.glob(f"{store.name}*"):
        file.unlink()


def move(store: Path) -> None:
    store.rename(store.with_name("elsewhere.db"))


def replace(store: Path) -> None:
    shutil.copy(store, store.with_name("copy.db"))
    store.with_name("copy.db").replace(store)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


@pytest.mark.parametrize("harm", [remove, remove_all, replace])
def test_no_task_is_acknowledged_once_the_store_is_gone(server: Server, harm: Callable[[Path], None]) -> None:
    with server, GoogleClient(server.address) as client:
        server.start()
        create_queue(client, "q")
        client.call("pause_queue", name=queue_name("q"))
        create_task(client, "q", URL)
        harm(server.store)
        reply = client.reply("create_task", parent=queue_name("q"), task={"http_request": {"url": URL}})
        assert reply.code == "UNAVAILABLE"
        assert server.wait() == 1
        assert "while in use" in server.output()
        assert server.complaints() == []


@pytest.mark.parametrize("harm", [remove, remove_journal, move])
def test_an_idle_server_ends_once_its_store_is_gone(server: Server, harm: Callable[[Path], None]) -> None:
    with server:
        server.start()
        harm(server.store)
        assert server.wait() == 1
        assert "while in use" in server.output()


def refusal(server: Server, store: Path) -> str:
    """What a second server says that is to open the store, and ends."""
    command = [sys.executable, "-m", "tidegate", "serve", "--port", "0", "--store", f"sqlite:///{store}"]
    second = subprocess.run(command, capture_output=True, text=True, check=False, cwd=server.directory, timeout=60)
    assert second.returncode == 1
    return second.stderr


def test_a_second_server_is_kept_out_whatever_the_store_is_called(server: Server) -> None:
    link, other = server.directory / "link.db", server.directory / "other.db"
    with server, GoogleClient(server.address) as client:
        server.start()
        create_queue(client, "q")
        client.call("pause_queue", name=queue_name("q"))
        link.symlink_to(server.store)
        other.hardlink_to(server.store)
        Path(f"{server.store}-lock").unlink()
        for name in (server.store, link, other):
            assert "has 2 names (hard links)" in refusal(server, name)
        other.unlink()
        for name in (server.store, link):
            assert "in use by another process" in refusal(server, name)
        task = create_task(client, "q", URL)
        assert list_tasks(client, "q").keys() == {task}
        assert server.stop() == 0


def test_nobody_else_may_read_what_a_server_keeps(server: Server) -> None:
    with server, GoogleClient(server.address) as client:
        server.start()
        create_queue(client, "q")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in server.directory.glob("tidegate.db*")}
        assert set(modes.values()) == {0o600}, modes
        assert server.stop() == 0
