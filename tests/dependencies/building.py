"""The package built, and wheels made again of what is installed, so that tests install without a network."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackagePath, distribution
from pathlib import Path
from zipfile import ZipFile

from packaging.markers import Marker
from tests.dependencies.locks import RUN, read


def build(source: Path, target: Path, kind: str) -> Path:
    """The ``wheel`` or ``sdist`` of the tree, made by the build backend in this environment."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(target)]
    environment = {name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"}
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)
    (made,) = target.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return made


def needed() -> Iterator[Distribution]:
    """What Tidegate runs with here, by the lock."""
    for entry in read(RUN.read_text()):
        if not entry.marker or Marker(entry.marker).evaluate():
            yield distribution(entry.name)


def files_of(found: Distribution) -> Iterator[PackagePath]:
    """Its files within site-packages, without what Python made of them."""
    for file in found.files or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            yield file


def wheel_again(found: Distribution, directory: Path) -> Path:
    """A wheel of an installed distribution."""
    about = found.read_text("WHEEL") or ""
    tag = next(line.partition(": ")[2] for line in about.splitlines() if line.startswith("Tag: "))
    path = directory / f"{found.name.replace('-', '_')}-{found.version}-{tag}.whl"
    record = []
    with ZipFile(path, "w") as wheel:
        for file in files_of(found):
            if file.name in {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}:
                if file.name == "RECORD":
                    name = str(file)
                continue
            data = Path(str(file.locate())).read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            wheel.writestr(str(file), data)
            record.append(f"{file},sha256={digest},{len(data)}")
        wheel.writestr(name, "\n".join([*record, f"{name},,"]) + "\n")
    return path
