"""What all tests of one process share."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.kit.postgres import older_postgres_url, postgres_url
from tests.memory import Ceiling
from tests.sharing import pytest_xdist_make_scheduler

__all__ = ["older_postgres_url", "postgres_url", "pytest_xdist_make_scheduler"]

# A shell starts what it runs in the background with SIGINT ignored, and so would be the programs that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes says what else the machine does; a test that hangs meets pytest's own limit.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

PEAK_MAX_MIB = 700
"""Memory of a test process at its peak; above it some code keeps objects that it should release."""

REAL_PROGRAMS = {"browser", "crash", "dependencies", "deploy", "endtoend", "faults", "hostile", "nodes", "snippets"}
"""Suites that start servers, browsers and databases. A busy machine can stop one of those for longer than it waits for
another, so a test of theirs that fails is run a second time; the summary names each. Nothing else is run twice."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in REAL_PROGRAMS:
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Ceiling(PEAK_MAX_MIB))
