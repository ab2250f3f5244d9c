from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")


def run_in_namespaces(flags: str, tests: Path) -> None:
    pytest_again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(tests)]
    done = subprocess.run(["unshare", flags, *pytest_again], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_egress_rules_hold_for_real_addresses_in_a_network_of_their_own() -> None:
    """Those tests call public addresses, so they run where there is no way out."""
    run_in_namespaces("-rn", HERE / "in_own_network.py")


@pytest.mark.timeout(180)
def test_a_silent_name_server_does_not_stop_other_queues() -> None:
    """The system's own resolver asks it, so it needs a network and a resolv.conf of its own."""
    run_in_namespaces("-rnm", HERE / "in_silent_network.py")
