"""The pages of the site in one folder: those of ``docs/``, some of the repository's own, and those that are made."""

from __future__ import annotations

import re
import shutil
from os.path import relpath
from pathlib import Path

from website.navigation import as_toml, navigation
from website.reference.pages import pages as reference_pages

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
OWN = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "RELIABILITY.md",
    "GOVERNANCE.md",
    "CODE_OF_CONDUCT.md",
    "THIRD_PARTY.md",
)
CONFIGURATION = Path(__file__).with_name("zensical.toml")

_LINK = re.compile(r"(?<=\]\()(?!https?://|#|mailto:)([^)#\s]+)(#[^)\s]*)?(?=\))")
_CODE = re.compile(r"(^```.*?^```$|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def stage(folder: Path) -> dict[str, str]:
    """Write everything that the site is built from into ``folder``. Returns the pages, by their paths."""
    shutil.rmtree(folder, ignore_errors=True)
    staged = _places()
    pages = {place: _moved(source, place, staged) for source, place in staged.items() if source.suffix == ".md"}
    pages |= dict(reference_pages())
    for place, text in pages.items():
        _write(folder / "docs" / place, text)
    for source, place in staged.items():
        if source.suffix != ".md":
            _copy(source, folder / "docs" / place)
    settings = CONFIGURATION.read_text(encoding="utf-8")
    _write(folder / "zensical.toml", settings.replace("[project]\n", f"[project]\n{as_toml(navigation(pages))}", 1))
    return pages


def _places() -> dict[Path, str]:
    """Files of the repository, and where they are on the site; also what the pages link to outside ``docs/``."""
    places = {file: file.relative_to(DOCS).as_posix() for file in sorted(DOCS.rglob("*")) if file.is_file()}
    places |= {ROOT / name: f"project/{name.lower()}" for name in OWN if (ROOT / name).exists()}
    for source in [source for source in places if source.suffix == ".md"]:
        for target, _ in _LINK.findall(_CODE.sub("", source.read_text(encoding="utf-8"))):
            file = (source.parent / target).resolve()
            if file.is_file() and file not in places:
                places[file] = f"files/{file.relative_to(ROOT).as_posix()}"
    return places


def _moved(source: Path, place: str, staged: dict[Path, str]) -> str:
    """A page whose relative links lead to where their targets are on the site."""

    def lead(match: re.Match[str]) -> str:
        target = staged.get((source.parent / match[1]).resolve())
        return match[0] if target is None else relpath(target, Path(place).parent) + (match[2] or "")

    parts = _CODE.split(source.read_text(encoding="utf-8"))
    return "".join(part if number % 2 else _LINK.sub(lead, part) for number, part in enumerate(parts))


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _copy(source: Path, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, file)
