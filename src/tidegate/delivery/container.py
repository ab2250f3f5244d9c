"""Whether this process runs in a container, where localhost is the container itself."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MARKS: Final = ("/.dockerenv", "/run/.containerenv")
"""Files that Docker and Podman put into every container."""


def in_container() -> bool:
    return any(Path(mark).exists() for mark in MARKS)
