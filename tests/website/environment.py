"""An environment without anything: a virtual environment with the built wheel, and what ``pip install`` would bring."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from tests.website.pages import ROOT


def built_wheel(folder: Path) -> Path:
    """The wheel of this checkout."""
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("tidegate-*.whl")
    return wheel


def bare(home: Path) -> Path:
    """A virtual environment with nothing in it."""
    venv.create(home, with_pip=False)
    return home


def install(home: Path, wanted: Iterable[str], wheel: Path) -> None:
    """What ``pip install`` of these would leave in ``home``, from the wheel and from what this environment has.

    ``./tidegate`` is the wheel, with extras in brackets. Nothing is downloaded.
    """
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home)}))
    for word in wanted:
        if word.startswith("./tidegate"):
            pip("--python", home / "bin/python", "install", "--no-deps", "--no-index", wheel)
        for name in closure(word.removeprefix("./")):
            _link(name, site)


def closure(word: str) -> set[str]:
    """The names of all packages that this one needs, itself among them unless it is ours."""
    found: set[str] = set()
    waiting = [Requirement(word)]
    done: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        needed = waiting.pop()
        key = (needed.name.lower(), frozenset(needed.extras))
        if key in done:
            continue
        done.add(key)
        try:
            package = distribution(needed.name)
        except PackageNotFoundError:  # of a platform or an extra that is not here
            continue
        found.add(needed.name.lower())
        for text in package.requires or ():
            each = Requirement(text)
            if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in ("", *needed.extras)):
                waiting.append(each)
    return found - {"tidegate"}


def _link(name: str, site: Path) -> None:
    for file in distribution(name).files or ():
        if ".." not in file.parts and file.suffix != ".pyc" and not (site / file).exists():
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            (site / file).symlink_to(file.locate())


def pip(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True)
