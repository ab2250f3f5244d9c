"""The same source makes the same files, byte by byte, whoever builds them, where and when."""

from __future__ import annotations

import os
import shutil
import tarfile
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.dependencies.building import build
from tests.dependencies.locks import ROOT

IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")
PARTS = (
    "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md", "THIRD_PARTY.md",
    "deploy", "docs", "pyproject.toml", "requirements-image.lock", "requirements.lock", "src",
)  # fmt: skip


def checkout(place: Path, when: int) -> Path:
    """A copy of the source, with times and rights of its own."""
    place.mkdir()
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, place / part, ignore=IGNORED)
        else:
            shutil.copy(ROOT / part, place / part)
    for path in place.rglob("*"):
        os.utime(path, (when, when))
        if path.is_file():
            path.chmod(0o644 if when % 2 else 0o664)
    return place


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_two_builds_are_equal(kind: str, tmp_path: Path) -> None:
    one = build(checkout(tmp_path / "one", 1_700_000_001), tmp_path / "made-one", kind)
    other = checkout(tmp_path / "other", 1_800_000_000)
    (other / "left-behind.db").write_text("of somebody's first try")
    again = build(other, tmp_path / "made-other", kind)
    assert one.name == again.name
    assert sha256(one.read_bytes()).digest() == sha256(again.read_bytes()).digest()


def test_the_wheel_has_the_package_and_its_licences_and_nothing_else(tmp_path: Path) -> None:
    with ZipFile(build(ROOT, tmp_path, "wheel")) as wheel:
        names = wheel.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"tidegate"}
    assert [name for name in names if name.endswith((".pyc", ".db", ".map"))] == []
    assert {"LICENSE", "THIRD_PARTY.md"} <= {Path(name).name for name in names if "/licenses/" in name}
    assert "tidegate/py.typed" in names


def test_the_source_has_what_a_build_and_a_reader_need(tmp_path: Path) -> None:
    with tarfile.open(build(ROOT, tmp_path, "sdist")) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    assert {part for part in PARTS if "." in part} <= names
    assert {name.partition("/")[0] for name in names} <= {*PARTS, "PKG-INFO", ".gitignore"}
