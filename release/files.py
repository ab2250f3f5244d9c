"""The files of a release: built, and installed where nothing else is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.request import urlopen

READY = "listening on "


def build(root: Path, target: Path) -> list[Path]:
    """Wheel and sdist in ``target``, and nothing else there."""
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(target)]
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(command, cwd=root, env=environment, check=True)
    return sorted(target.iterdir())


def install_locked(lock: Path) -> Callable[[Path, Path], None]:
    """Installs a wheel beside the versions of the lock, each file checked by its hash."""

    def install(python: Path, wheel: Path) -> None:
        pip: Sequence[str | Path] = (python, "-m", "pip", "--quiet", "--disable-pip-version-check", "install")
        subprocess.run([*pip, "--require-hashes", "--requirement", lock], check=True)
        subprocess.run([*pip, "--no-deps", wheel], check=True)

    return install


@contextmanager
def fresh(wheel: Path, install: Callable[[Path, Path], None]) -> Iterator[Path]:
    """``tidegate`` in an environment of its own, far from any checkout."""
    with TemporaryDirectory(prefix="tidegate-release-") as place:
        home = Path(place) / "environment"
        venv.create(home, with_pip=True)
        install(home / "bin/python", wheel)
        yield home / "bin/tidegate"


def version_of(command: Path) -> str:
    """What the installed program says it is."""
    done = subprocess.run([command, "--version"], cwd=command.parent, capture_output=True, text=True, check=True)
    return done.stdout.split()[-1]


def serves(command: Path) -> str:
    """Empty when a server of it starts, says that it is ready, and stops as it should; else what was wrong."""
    arguments: list[str | Path] = [command, "serve", "--port", "0", "--store", "sqlite://:memory:"]
    with subprocess.Popen(arguments, cwd=command.parent, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            if not line.startswith(READY):
                return f"the server does not start: {line!r}"
            with urlopen(f"{line.removeprefix(READY).strip()}/readyz", timeout=60) as answer:
                answer.read()
        finally:
            process.terminate()
    return f"the server ends with {process.returncode}" if process.returncode else ""
