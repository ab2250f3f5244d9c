"""A run of tests that takes too much memory fails, for something in it keeps what it should let go of."""

from __future__ import annotations

import re
import resource
from pathlib import Path

import pytest

MIB = 1024 * 1024


def peak_mib() -> int:
    """The most memory that this process has had at one time."""
    status = Path("/proc/self/status")
    if status.exists():  # where the other figure may be that of the process which started this one
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024 // MIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MIB  # bytes, on macOS


class Ceiling:
    """A pytest plugin: the run fails when its process had more than so many MiB."""

    def __init__(self, most: int) -> None:
        self._most = most

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if exitstatus == pytest.ExitCode.OK and peak_mib() > self._most:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        peak = peak_mib()
        terminalreporter.write_line(f"the test process had up to {peak} MiB of memory")
        if peak > self._most:
            terminalreporter.write_line(f"FAILED: it may have {self._most} MiB", red=True)
