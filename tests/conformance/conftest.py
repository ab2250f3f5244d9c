"""One server for all scenarios; each scenario has a project of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import count

import pytest
from tests.conformance.cloud import ROWS, Cloud, Grpc, Wire

PROJECTS = count()


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    command = [sys.executable, "-m", "tidegate", "serve", "--port", "0", "--store", "sqlite://:memory:"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        ready = re.fullmatch(r"listening on http://(\S+)\n", server.stdout.readline())
        assert ready is not None, "the server never said that it listens"
        yield ready[1]
        server.terminate()
        assert server.wait(30) == 0


@pytest.fixture(scope="session", params=[Grpc])
def wire(request: pytest.FixtureRequest, address: str) -> Iterator[Wire]:
    wire = request.param(address)
    yield wire
    wire.close()


@pytest.fixture(params=list(ROWS))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def cloud(wire: Wire, version: str) -> Cloud:
    return Cloud(wire, version, f"project-{next(PROJECTS)}")
