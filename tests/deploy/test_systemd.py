"""The units for systemd: they are well formed, leave little open, and forbid nothing that the server does."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
import sys
from configparser import RawConfigParser
from functools import cache
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.cli.serving import READY, environment
from tests.dependencies.locks import ROOT

from tidegate.settings import load

UNITS = ROOT / "deploy/systemd"
SERVICES = ["tidegate.service", "tidegate-backup.service"]
PROGRAM = "/opt/tidegate/bin/tidegate"
EXPOSURE_MAX = 20  # of 100; systemd calls up to 39 "OK"

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace: make tracer")


def unit(name: str) -> dict[str, str]:
    """The section [Service]; of settings that are there several times, the last."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNITS / name)
    return dict(parser["Service"])


@needs_systemd
def test_the_units_are_well_formed(tmp_path: Path) -> None:
    ours = str(Path(sys.executable).with_name("tidegate"))
    for path in UNITS.iterdir():
        (tmp_path / path.name).write_text(path.read_text().replace(PROGRAM, ours))
    command = ["systemd-analyze", "verify", "--man=no", *sorted(map(str, tmp_path.iterdir()))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "tidegate" in line]) == (0, [])


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_little_exposed(name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE_MAX}", str(UNITS / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_the_server_has_time_to_stop_and_its_settings_can_be_read() -> None:
    service = unit("tidegate.service")
    name, _, value = service["Environment"].partition("=")
    settings = load(environment={name: value}).settings
    assert int(service["TimeoutStopSec"]) >= settings.drain.total_seconds() + 15
    assert str(settings.store) == f"sqlite:////var/lib/{service['StateDirectory']}/tidegate.db"
    assert unit("tidegate-backup.service")["Environment"] == service["Environment"]
    assert unit("tidegate-backup.service")["User"] == service["User"]


@needs_systemd
@needs_strace
def test_the_server_makes_no_system_call_that_the_unit_forbids(tmp_path: Path) -> None:
    log = tmp_path / "calls"
    serve(["strace", "-D", "-f", "-qq", "-o", str(log)], tmp_path)  # the server is our own child, and gets the signal
    made = set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z0-9_]+)", log.read_text(), re.MULTILINE))
    allowed = calls("@system-service") - calls("@privileged") - calls("@resources")
    assert {"openat", "fsync", "epoll_wait"} & made
    # As root, which the unit never is, SQLite gives its journal the owner of its file.
    assert made - allowed - {"fchown"} == set()


def test_the_server_runs_where_no_memory_is_both_written_and_executed(tmp_path: Path) -> None:
    if sys.platform != "linux" or ctypes.CDLL(None).prctl(66, 0, 0, 0, 0) < 0:
        pytest.skip("this kernel cannot refuse such memory: Linux 6.3")
    forbid = "import ctypes, os, sys; assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) == 0; "
    forbid += "os.execv(sys.argv[1], sys.argv[1:])"
    serve([sys.executable, "-c", forbid], tmp_path)


def serve(before: list[str], place: Path) -> None:
    """A server started by another program: it answers, and makes a token's keys, and stops."""
    command = [*before, sys.executable, "-m", "tidegate", "serve", "--port", "0", "--store", f"sqlite:///{place}/t.db"]
    queue = "projects/p/locations/l/queues/q"
    with subprocess.Popen(
        [*command, "--queue", queue], env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip().removeprefix(READY)
            for path in ("/readyz", "/metrics", "/oauth2/v3/certs", f"/v2/{queue}"):
                with urlopen(f"http://{url}{path}", timeout=60) as answer:
                    assert answer.status == 200
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()


@cache
def calls(group: str) -> frozenset[str]:
    """The system calls of a group, and of the groups in it."""
    text = subprocess.check_output(["systemd-analyze", "syscall-filter", group], text=True, timeout=60)
    words = [line.strip() for line in text.splitlines()[1:] if line.startswith("    ") and "#" not in line]
    return frozenset().union(*(calls(word) if word.startswith("@") else {word} for word in words))
