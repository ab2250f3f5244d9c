"""The examples are whole projects, which test_examples.py runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tidegate.testing import Server, Tidegate
from tidegate.testing.elsewhere import Elsewhere, server_for_tests
from tidegate.testing.patching import patched
from tidegate.testing.real_time import calls_by_real_time
from tidegate.testing.served import Served

collect_ignore_glob = ["examples/*", "frameworks/*"]

MODES = ("inprocess", "process", "address")


@pytest.fixture(scope="session")
def process() -> Iterator[str]:
    """The address of a server that was started for tests."""
    with server_for_tests() as server:
        yield server.address


@pytest.fixture(scope="session")
def given() -> Iterator[str]:
    """The address of one that was not."""
    with Server() as server:
        yield server.address


@pytest.fixture(params=MODES)
def every_mode(request: pytest.FixtureRequest) -> Iterator[Tidegate]:
    """What the fixture ``tidegate`` gives, in each of its modes."""
    served: Served | None = None
    if request.param == "process":
        served = Elsewhere(request.getfixturevalue("process"), overrides=False, resets=True)
    elif request.param == "address":
        served = Elsewhere(request.getfixturevalue("given"), overrides=True, resets=False)
    made = Tidegate(served)
    with calls_by_real_time(), patched(made.address):
        yield made
    made.close()
