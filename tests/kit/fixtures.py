"""A server of the test's own that may be killed, the handler of its tasks, and a client: one of each for every test.

Take them into a ``conftest``: ``from tests.kit.fixtures import client, handler, server``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from tests.endtoend.client import GoogleClient
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server

S = TypeVar("S", bound=Server)


@contextmanager
def alive(server: S) -> Iterator[S]:
    """The server, started; killed at the end if it still runs. It must have logged no error."""
    with server:
        server.start()
        yield server
        server.kill()
        assert server.complaints() == []


@pytest.fixture
def handler() -> Iterator[Handler]:
    with Handler() as handler:
        yield handler


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with alive(Server(tmp_path)) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[GoogleClient]:
    with GoogleClient(server.address) as client:
        yield client
