"""The lock files and what they say: which version of each package is installed, and the hashes of its files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from msgspec import Struct
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = ROOT / "pyproject.toml"
RUN: Final = ROOT / "requirements.lock"
IMAGE: Final = ROOT / "requirements-image.lock"
BUILD: Final = ROOT / "requirements-build.lock"
DEVELOPMENT: Final = ROOT / "requirements-dev.lock"

_ENTRY: Final = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?: ; (?P<marker>[^\\\n]+?))?"
    r"(?: \\\n    --hash=sha256:[0-9a-f]{64})+$",
    re.MULTILINE,
)


class Locked(Struct, frozen=True):
    """One package in a lock; ``marker`` says where it is installed, empty for everywhere."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]


def read(text: str) -> list[Locked]:
    """The packages of a lock; one that has several versions, each for its own platforms, is there several times.

    Raises ValueError for a line that belongs to none.
    """
    rest = _ENTRY.sub("", re.sub(r"^#.*$", "", text, flags=re.MULTILINE)).strip()
    if rest:
        raise ValueError(f"not a pinned package with hashes: {rest.splitlines()[0]}")
    return [
        Locked(found["name"], found["version"], found["marker"] or "", tuple(re.findall("sha256:[0-9a-f]+", found[0])))
        for found in _ENTRY.finditer(text)
    ]


def wanted(*, development: bool) -> list[Requirement]:
    """What pyproject.toml asks for, to run or to develop too."""
    project = tomllib.loads(PROJECT.read_text())
    texts = list(project["project"]["dependencies"])
    if development:
        texts += project["build-system"]["requires"] + _group(project["dependency-groups"], "dev")
    return [Requirement(text) for text in texts]


def extras() -> list[Requirement]:
    """What the extras ask for."""
    project = tomllib.loads(PROJECT.read_text())["project"]
    return [Requirement(text) for texts in project.get("optional-dependencies", {}).values() for text in texts]


def _group(groups: dict[str, list[Any]], name: str) -> list[str]:
    return [text for entry in groups[name] for text in (_inner(groups, entry))]


def _inner(groups: dict[str, list[Any]], entry: Any) -> list[str]:
    return [entry] if isinstance(entry, str) else _group(groups, entry["include-group"])


def missing(requirements: list[Requirement], locked: list[Locked]) -> list[str]:
    """The requirements for which no locked version is good."""
    return [
        str(requirement)
        for requirement in requirements
        if not any(
            entry.name == canonicalize_name(requirement.name) and requirement.specifier.contains(entry.version)
            for entry in locked
        )
    ]
