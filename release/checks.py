"""What must be so before a version is published. Each check answers lines that say what is amiss."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

VERSION = re.compile(r"\d+\.\d+\.\d+")
_CHART_VERSIONS = re.compile(r"""^(version|appVersion): ["']?([^"'\s]*)["']?$""", re.MULTILINE)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_RELEASED = re.compile(r"(\d+\.\d+\.\d+) - \d{4}-\d{2}-\d{2}")


def of_version(version: str) -> Iterator[str]:
    """A version is three numbers."""
    if not VERSION.fullmatch(version):
        yield f"src/tidegate/__init__.py: {version!r} is not three numbers, as 1.2.3"


def of_changelog(text: str, version: str) -> Iterator[str]:
    """The newest section below Unreleased, which is empty, is this version's: with a date, and something in it."""
    parts = _SECTION.split(text)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    titles = list(sections)
    if titles[:1] != ["Unreleased"]:
        yield "CHANGELOG.md: the first section is not Unreleased"
        return
    if sections["Unreleased"].strip():
        yield f"CHANGELOG.md: what is below Unreleased belongs below {version} now"
    newest = titles[1] if len(titles) > 1 else ""
    match = _RELEASED.fullmatch(newest)
    if match is None or match[1] != version:
        yield f"CHANGELOG.md: the section below Unreleased is {newest!r}, not '{version} - YYYY-MM-DD'"
    elif not re.search(r"^- ", sections[newest], re.MULTILINE):
        yield f"CHANGELOG.md: nothing is said of {version}"


def of_chart(text: str, version: str) -> Iterator[str]:
    """The Helm chart is of this version, and runs it. ``text`` is that of its Chart.yaml."""
    said = dict(_CHART_VERSIONS.findall(text))
    for name in ("version", "appVersion"):
        if said.get(name) != version:
            told = f"{name} is {said.get(name)!r}, not {version!r}; set it, and run make charts"
            yield f"deploy/helm/tidegate/Chart.yaml: {told}"


def of_repository(root: Path, version: str) -> Iterator[str]:
    """Everything is committed, and the tag of the version, if there is one, is on what is checked out."""
    if _git(root, "status", "--porcelain"):
        yield "git: something is not committed"
    tagged = _git(root, "rev-parse", "--verify", "--quiet", f"v{version}^{{commit}}")
    if tagged and tagged != _git(root, "rev-parse", "HEAD"):
        yield f"git: v{version} is another commit; choose the next version"


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return done.stdout.strip()
