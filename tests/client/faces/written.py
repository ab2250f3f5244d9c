"""Every file of the faces, with what should stand in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.client.faces import operator_face
from tests.client.faces.face import GAPIC_VERSION, Face, same_as_v2
from tests.client.faces.rows import SOURCE

from tidegate.schema.versions import VERSIONS

RUFF = Path(sys.executable).with_name("ruff")


def write() -> None:
    for path, text in faces():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def faces() -> Iterator[tuple[Path, str]]:
    """Every file, with what should stand in it."""
    for version, messages in VERSIONS.items():
        face = Face(version, messages)
        for name, text in face.files():
            yield SOURCE / f"tasks_{version}" / name, formatted(text)
    for name, text in operator_face.files():
        yield SOURCE / "operator_v1" / name, formatted(text)
    yield SOURCE / "tasks/__init__.py", formatted(same_as_v2(Face("v2", VERSIONS["v2"])))
    yield SOURCE / "tasks/gapic_version.py", formatted(GAPIC_VERSION)


@cache
def formatted(text: str) -> str:
    options = ["--config", str(SOURCE.parents[1] / "pyproject.toml"), "--stdin-filename", str(SOURCE / "face.py"), "-"]
    for command in (["check", "--select", "I", "--fix", "--quiet"], ["format"]):
        done = subprocess.run([RUFF, *command, *options], input=text, capture_output=True, text=True, check=True)
        text = done.stdout
    return text
