from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.endtoend.client import GoogleClient
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server


@pytest.fixture(scope="module")
def handler() -> Iterator[Handler]:
    with Handler() as handler:
        yield handler


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory: Path = tmp_path_factory.mktemp("server")
    with Server(directory) as server:
        yield server.start()
        assert server.stop() == 0
        assert server.complaints() == []


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[GoogleClient]:
    with GoogleClient(server.address) as client:
        yield client
