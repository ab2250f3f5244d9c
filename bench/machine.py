"""What a figure was measured on, printed beside it."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from importlib.metadata import version
from typing import Any


def report(bench: str, **figures: Any) -> None:
    """Print one JSON line: the figures, and what they were measured on."""
    print(json.dumps({"bench": bench, **figures, "on": _machine()}))


def _machine() -> dict[str, Any]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": platform.platform(),
        "tidegate": version("tidegate"),
        "commit": commit.stdout.strip(),
        "load": round(os.getloadavg()[0], 1),
    }
