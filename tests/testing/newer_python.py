"""A newer Python than the one that runs the tests, for frameworks that need it."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.endtoend.cache import CACHE, alone_with

OLDEST = (3, 12)
NAMES = ("python3.12", "python3.13", "python3.14")
DONE = "installed"


def newer_python() -> str | None:
    """An interpreter of Python 3.12 or later; None where there is none."""
    return next((program for program in _offered() if _is_new(program)), None)


def _offered() -> Iterator[str]:
    yield sys.executable
    yield from filter(None, map(shutil.which, NAMES))
    if (pyenv := shutil.which("pyenv")) is not None:  # its names on PATH work only where a folder chose the version
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
        yield from map(str, sorted(Path(root).glob("versions/3.1[2-9]*/bin/python")))


def _is_new(program: str) -> bool:
    asked = f"import sys, venv; sys.exit(sys.version_info < {OLDEST})"
    try:
        return subprocess.run([program, "-c", asked], capture_output=True, check=False, timeout=60).returncode == 0
    except OSError:
        return False


def environment(python: str, pinned: Path) -> str:
    """The interpreter of an environment with these packages, kept for the next run."""
    name = hashlib.sha256(python.encode() + pinned.read_bytes()).hexdigest()[:12]
    with alone_with(CACHE / f"newer-python-{name}") as place:
        home = place / "environment"
        own = home / "bin/python"
        if not (place / DONE).exists():
            uv = [sys.executable, "-m", "uv", "--quiet"]
            subprocess.run([*uv, "venv", "--clear", "--python", python, str(home)], check=True)
            install = ["pip", "install", "--no-deps", "--compile-bytecode", "--python", str(own)]
            subprocess.run([*uv, *install, "--requirement", str(pinned)], check=True)
            (place / DONE).touch()
    return str(own)
