from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).with_name("in_own_network.py")


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_egress_rules_hold_for_real_addresses_in_a_network_of_their_own() -> None:
    """Those tests call public addresses, so they run where there is no way out."""
    pytest_again = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", str(TESTS)]
    done = subprocess.run(["unshare", "-rn", *pytest_again], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
