"""How the tests are shared among several processes (``pytest -n 2``)."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

LONG = ("tests/crash/", "tests/faults/", "tests/power/", "tests/promises/", "tests/simulation/")
"""Where the tests are few, long, and share nothing: each may run anywhere."""


def scope(nodeid: str) -> str:
    """What stays together: a file, whose tests may share a server; in long suites a test."""
    return nodeid if nodeid.startswith(LONG) else nodeid.partition("::")[0]


class ByFile(LoadScopeScheduling):  # type: ignore[misc]
    """Files with many tests first; then the long tests, one by one, so that no process waits for long at the end."""

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    return ByFile(config, log)
