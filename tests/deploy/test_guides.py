"""What the guides for operators have people type, typed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.serving import environment, served
from tests.dependencies.locks import ROOT

DOCS = ROOT / "docs"
SH = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DRILLS = SH.findall((DOCS / "drills.md").read_text())


def shell(text: str, place: Path, port: int) -> str:
    """Run commands with their port moved to a free one; whatever they leave running is ended."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    address = f"http://127.0.0.1:{port}"
    variables = {"PATH": path, "TIDEGATE_PORT": str(port), "TIDEGATE_ADDRESS": address, "HOME": str(place)}
    text = text.replace("http://localhost:8123", address)
    with subprocess.Popen(
        ["sh", "-euc", text],
        cwd=place,
        env=environment(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said, _ = process.communicate(timeout=200)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)
    assert process.returncode == 0, said
    return said


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize("drill", DRILLS, ids=["killed", "disk gone", "two servers"])
def test_a_drill_goes_as_it_says(drill: str, tmp_path: Path) -> None:
    shell(drill, tmp_path, free_port())


def test_an_upgrade_begins_with_a_sound_copy_and_what_waits_can_be_taken_out(tmp_path: Path) -> None:
    copy, out = SH.findall((DOCS / "upgrading.md").read_text())
    queue = "projects/p/locations/l/queues/mail"
    with served("--store", "sqlite:///tidegate.db", "--queue", queue, directory=tmp_path) as address:
        port = int(address.rpartition(":")[2])
        assert "is sound" in shell(copy, tmp_path, port)
        shell(f"export TIDEGATE_PROJECT=p TIDEGATE_LOCATION=l\n{out}", tmp_path, port)
    assert queue in (tmp_path / "waiting.ndjson").read_text()
