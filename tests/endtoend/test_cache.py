"""Of several processes that want the same thing built, one builds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BUILDER = """
import sys, time
from pathlib import Path
from tests.endtoend.cache import alone_with

with alone_with(Path(sys.argv[1])) as place:
    if not (place / "program").exists():
        (place / "begun").touch(exist_ok=False)  # fails for whoever begins to build beside another
        print("builds", flush=True)
        sys.stdin.readline()
        (place / "program").touch()
"""


def start(place: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", BUILDER, str(place)]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_the_second_waits_for_the_first_and_uses_what_it_built(tmp_path: Path) -> None:
    first, second = start(tmp_path / "go"), None
    try:
        assert first.stdout is not None
        assert first.stdout.readline() == "builds\n"
        second = start(tmp_path / "go")
        first.communicate("go on\n", timeout=60)
        said, _ = second.communicate("", timeout=60)
        assert (first.returncode, second.returncode, said) == (0, 0, "")
    finally:
        for process in filter(None, (first, second)):
            process.kill()
            process.wait()
