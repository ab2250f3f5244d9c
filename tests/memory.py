"""A run of tests that takes too much memory fails: some code keeps objects that it should release."""

from __future__ import annotations

import re
import resource
from pathlib import Path
from typing import Any

import pytest

MIB = 1024 * 1024
PEAK = "peak_mib"
"""The key under which a worker says what it had."""


def peak_mib() -> int:
    """The most memory that this process has had at one time."""
    status = Path("/proc/self/status")
    if status.exists():  # where the other figure may be that of the process which started this one
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE)
        assert found is not None
        return int(found[1]) * 1024 // MIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // MIB  # bytes, on macOS


class Ceiling:
    """A pytest plugin: the run fails when its process had more than so many MiB, or one of its workers had."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of_workers: dict[str, int] = {}

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """A worker of pytest-xdist has ended; one that died says nothing, and fails the run itself."""
        output = getattr(node, "workeroutput", {})
        if PEAK in output:
            self._of_workers[node.gateway.id] = output[PEAK]

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if hasattr(session.config, "workeroutput"):
            session.config.workeroutput[PEAK] = peak_mib()
        elif exitstatus == pytest.ExitCode.OK and any(peak > self._most for peak in self._peaks().values()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for process, peak in self._peaks().items():
            terminalreporter.write_line(f"the test process {process} had up to {peak} MiB of memory")
            if peak > self._most:
                terminalreporter.write_line(f"FAILED: it may have {self._most} MiB", red=True)

    def _peaks(self) -> dict[str, int]:
        """What each process had that ran tests."""
        return dict(sorted(self._of_workers.items())) or {"main": peak_mib()}
