"""What a figure was measured on, printed with it."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("tidegate", "h2corn", "pyreqwest", "httptools", "apsw", "protobuf", "uvloop")


def machine() -> dict[str, object]:
    return {
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
        "load": round(os.getloadavg()[0], 1),
    }


def versions() -> dict[str, str]:
    import apsw  # noqa: PLC0415  # a benchmark that counts what imports cost asks no versions

    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}} | {
        "sqlite": apsw.sqlite_lib_version()
    }


def commit() -> str:
    """Short, with ``-dirty`` when the tree has changes beside it; empty where there is no checkout or no git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    except FileNotFoundError:  # no git
        return ""
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
