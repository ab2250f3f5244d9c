from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.endtoend.client import GoogleClient
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server


@pytest.fixture
def handler() -> Iterator[Handler]:
    with Handler() as handler:
        yield handler


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as server:
        yield server.start()
        server.kill()
        assert server.complaints() == []


@pytest.fixture
def client(server: Server) -> Iterator[GoogleClient]:
    with GoogleClient(server.address) as client:
        yield client
