"""The suite itself: it does not look at the wall clock, and does not fill the machine."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

TESTS = Path(__file__).parent
RUN = """
import sys, pytest
from tests.memory import Ceiling
arguments = [sys.argv[1], "-q", "-p", "no:cacheprovider", "-c", "/dev/null"]
sys.exit(pytest.main(arguments, plugins=[Ceiling(int(sys.argv[2]))]))
"""


def test_no_example_has_a_deadline() -> None:
    assert settings().deadline is None
    assert HealthCheck.too_slow in settings().suppress_health_check


def test_that_is_said_once() -> None:
    for file in TESTS.rglob("*.py"):
        for said in re.findall(r"@settings\((.*)\)", file.read_text()):
            assert "deadline" not in said, file
            assert "suppress_health_check" not in said, file


@pytest.mark.parametrize(("most", "status"), [(1, pytest.ExitCode.TESTS_FAILED), (100_000, pytest.ExitCode.OK)])
def test_a_run_that_takes_too_much_memory_fails(tmp_path: Path, most: int, status: int) -> None:
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): ...\n")
    command = [sys.executable, "-c", RUN, str(tmp_path), str(most)]
    done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert ("FAILED: it may have 1 MiB" in done.stdout) is (status != pytest.ExitCode.OK)
