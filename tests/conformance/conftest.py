"""One server for all scenarios; each scenario has a project of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from itertools import count

import pytest
from tests.conformance.cloud import ROWS, Cloud, Grpc, Rest, Wire

PROJECTS = count()
SERVED = ["grpc", "rest"]
WAYS = [pytest.param((way, version), id=f"{way}-{version}") for way in SERVED for version in ROWS]


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


@pytest.fixture(scope="session")
def wires(address: str) -> Iterator[Mapping[str, Wire]]:
    """The ways to call, by their names."""
    grpc, rest = Grpc(address), Rest(address)
    yield {"grpc": grpc, "rest": rest}
    grpc.close()
    rest.close()


@pytest.fixture(params=WAYS)
def cloud(request: pytest.FixtureRequest, wires: Mapping[str, Wire]) -> Cloud:
    way, version = request.param
    return Cloud(wires[way], version, f"project-{next(PROJECTS)}")
