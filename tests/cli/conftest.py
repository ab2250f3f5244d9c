from collections.abc import Iterator

import pytest
from tests.cli.scripted import Scripted, scripted


@pytest.fixture(scope="session")
def _scripted() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def cloud(_scripted: Scripted) -> Scripted:
    """A server that plays Cloud Tasks, with no requests yet."""
    _scripted.taken()
    _scripted.locations = ["here", "there"]
    return _scripted
