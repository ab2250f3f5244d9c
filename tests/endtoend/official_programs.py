"""Google's clients in other languages, as programs: built outside the repository, run against a server."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.endtoend.cache import CACHE, alone_with

HERE = Path(__file__).parent


def node_program() -> list[str]:
    """The command that runs the Node client."""
    return [tool("node"), str(node_project() / "program.mjs")]


def node_project() -> Path:
    """A directory whose Node programs find Google's client, which is installed first where it is not yet."""
    npm = tool("npm")
    with own_copy("node") as place:
        if not (place / "node_modules" / ".package-lock.json").exists():
            run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], place)
    return place


def go_program() -> list[str]:
    """The command that runs the Go client, which is built first where it is not yet."""
    go = tool("go")
    with own_copy("go") as place:
        if not (place / "program").exists():
            run([go, "build", "-mod=readonly", "-o", "program.new", "."], place)
            (place / "program.new").rename(place / "program")
    return [str(place / "program")]


def report(command: list[str], *arguments: str) -> Any:
    """What the program says of its calls."""
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def tool(name: str) -> str:
    """The toolchain's program; a machine without it skips the test, the one that checks every change may not."""
    path = shutil.which(name)
    if path is None and not os.environ.get("CI"):
        pytest.skip(f"{name} is not installed")
    assert path is not None, f"{name} is not installed"
    return path


@contextmanager
def own_copy(language: str) -> Iterator[Path]:
    """The program's files in a directory of the cache that is named after what is in them; nobody else is in it."""
    files = sorted(file for file in (HERE / language).iterdir() if file.is_file())
    contents = hashlib.sha256()
    for file in files:
        contents.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    with alone_with(CACHE / f"{language}-{contents.hexdigest()[:16]}") as place:
        for file in files:
            if not (place / file.name).exists():
                shutil.copy(file, place)
        yield place


def run(command: list[str], directory: Path) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
