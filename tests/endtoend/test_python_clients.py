"""Google's Python client, the newest and the one the API was first met with: every method, over every transport."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from tests.endtoend.cache import CACHE, alone_with
from tests.endtoend.official_programs import report
from tests.endtoend.server import Server

PROGRAM = Path(__file__).parent / "python_program.py"
OLD = "2.16.5"


def old_python() -> str:
    """An interpreter that has the older library; made first where it is not yet."""
    with alone_with(CACHE / f"python-{sys.version_info.major}.{sys.version_info.minor}-tasks-{OLD}") as place:
        python = place / "bin" / "python"
        done = place / ".installed"
        if not done.exists():
            venv.create(place, with_pip=True, clear=True)
            command = [str(python), "-m", "pip", "install", "--quiet", f"google-cloud-tasks=={OLD}"]
            installed = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
            if installed.returncode and not os.environ.get("CI"):
                pytest.skip("the older library cannot be installed here")
            assert installed.returncode == 0, installed.stderr
            done.touch()
    return str(python)


@pytest.mark.parametrize("transport", ["grpc", "grpc_asyncio", "rest"])
@pytest.mark.parametrize("release", ["newest", OLD])
def test_every_method_of_googles_client_works(server: Server, release: str, transport: str) -> None:
    python = sys.executable if release == "newest" else old_python()
    called = report([python, str(PROGRAM)], server.address, transport, release.replace(".", "-"))
    assert {version: len(names) for version, names in called.items()} == (
        {"v2": 23, "v2beta3": 23, "v2beta2": 23} if release == "newest" else {"v2": 18, "v2beta3": 18, "v2beta2": 23}
    )
