"""The suite itself: it does not look at the wall clock, and does not fill the machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.memory import MIB

TESTS = Path(__file__).parent
WITH_CEILING = """
from tests.memory import Ceiling

def pytest_configure(config):
    config.pluginmanager.register(Ceiling({most}))
"""
HUNGRY = """
def test_that_takes_memory():
    assert len(bytearray(b"x") * {size}) == {size}

def test_beside_it(): ...
"""


def test_no_example_has_a_deadline() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def test_that_is_said_once() -> None:
    for file in TESTS.rglob("*.py"):
        for said in re.findall(r"@settings\((.*)\)", file.read_text()):
            assert "deadline" not in said, file
            assert "suppress_health_check" not in said, file


def run(folder: Path, *options: str, most: int, size: int = 1) -> subprocess.CompletedProcess[str]:
    """Two tests, of which one takes so many bytes, in a run that may take so many MiB."""
    (folder / "conftest.py").write_text(WITH_CEILING.format(most=most))
    (folder / "test_hungry.py").write_text(HUNGRY.format(size=size))
    command = [sys.executable, "-m", "pytest", str(folder), "-q", "-p", "no:cacheprovider", "-c", "/dev/null", *options]
    return subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(("most", "status"), [(1, pytest.ExitCode.TESTS_FAILED), (100_000, pytest.ExitCode.OK)])
def test_a_run_that_takes_too_much_memory_fails(tmp_path: Path, most: int, status: int) -> None:
    done = run(tmp_path, most=most)
    assert done.returncode == status, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert ("FAILED: it may have 1 MiB" in done.stdout) is (status != pytest.ExitCode.OK)


@pytest.mark.parametrize(("size", "status"), [(1, pytest.ExitCode.OK), (300 * MIB, pytest.ExitCode.TESTS_FAILED)])
def test_so_does_one_of_whose_workers_one_takes_too_much(tmp_path: Path, size: int, status: int) -> None:
    done = run(tmp_path, "-n", "2", most=250, size=size)
    assert done.returncode == status, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert re.findall(r"the test process (gw\d) had", done.stdout) == ["gw0", "gw1"]
    assert done.stdout.count("FAILED: it may have 250 MiB") == (status != pytest.ExitCode.OK)
