"""``THIRD_PARTY.md``: the licence of everything that Tidegate runs with, as each package states it."""

from __future__ import annotations

import tomllib
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

from msgspec import Struct
from tests.dependencies.locks import IMAGE, ROOT, read

PAGE: Final = ROOT / "THIRD_PARTY.md"
VENDORED: Final = ROOT / "src/tidegate/console/static/vendor/VENDORED.toml"

NAMES: Final = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "MIT License": "MIT",
}
"""Other names of licences, and what SPDX calls them."""

SPDX: Final = {"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MPL-2.0", "PSF-2.0"}

BY_TEXT: Final = {
    "apsw": "any-OSI",  # whichever of those that the Open Source Initiative approves
    "jinja2": "BSD-3-Clause",
    "pyasn1-modules": "BSD-2-Clause",
    "uvloop": "MIT OR Apache-2.0",
}
"""Packages whose metadata is less exact than the text of their licence."""

TEXT: Final = """\
# Third-party software

<!-- Written by `make lock`. -->

Tidegate has the licence in [LICENSE](LICENSE). It runs with the packages below, each under its own licence, by the name
that SPDX gives it. Where a package is installed, its licence text is among its files. The versions are those of
`requirements-image.lock`; other versions may be installed with the package.

| package | version | licence |
|---|---|---|
{packages}

`any-OSI` is whichever licence you choose of those that the Open Source Initiative approves.

These are part of the package, for the pages of the console, with their licences beside them:

| library | version | licence |
|---|---|---|
{vendored}

The container image has besides these the packages of Debian that `deploy/image/packages.txt` names, with their licences
in `/usr/share/doc`.
"""


class Licensed(Struct, frozen=True):
    """A package and its licence."""

    name: str
    version: str
    licence: str


def packages() -> list[Licensed]:
    """What the image has of Python. Raises ValueError when a package states no licence that has a name here."""
    found = {
        entry.name: Licensed(entry.name, entry.version, licence_of(entry.name)) for entry in read(IMAGE.read_text())
    }
    return [found[name] for name in sorted(found)]


def vendored() -> list[Licensed]:
    """The libraries of the console's pages."""
    about = tomllib.loads(VENDORED.read_text())
    return [Licensed(each["name"], each["version"], each["license"]) for each in about["library"]]


def licence_of(name: str) -> str:
    """The licence of an installed package. Raises ValueError."""
    about = distribution(name).metadata
    if name in BY_TEXT:
        return BY_TEXT[name]
    if "License-Expression" in about:
        return str(about["License-Expression"])
    said = [each.rpartition(" :: ")[2] for each in about.get_all("Classifier") or () if each.startswith("License ::")]
    words = (about["License"] or "").strip()
    for one in [words, *said]:
        if NAMES.get(one, one) in SPDX:
            return str(NAMES.get(one, one))
    raise ValueError(f"{name} states its licence as {[words, *said]}: read its text, and name it in BY_TEXT")


def page() -> str:
    return TEXT.format(packages=_rows(packages()), vendored=_rows(vendored()))


def _rows(licensed: list[Licensed]) -> str:
    return "\n".join(f"| `{each.name}` | {each.version} | {each.licence} |" for each in licensed)


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"{Path(PAGE).name} says which licences these are")
