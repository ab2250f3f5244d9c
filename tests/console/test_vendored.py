"""The libraries that pages and tests load are those that their authors published."""

from __future__ import annotations

import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (ROOT / "src/tidegate/console/static/vendor", ROOT / "tests/browser/vendor")


@pytest.mark.parametrize("folder", FOLDERS, ids=("pages", "tests"))
def test_each_library_is_as_published_with_its_licence_beside_it(folder: Path) -> None:
    about = tomllib.loads((folder / "VENDORED.toml").read_text())
    named = {"VENDORED.toml"}
    for library in about["library"]:
        assert (folder / library["license_file"]).read_text().strip(), library["name"]
        named.add(library["license_file"])
        for file, said in library["files"].items():
            assert library["version"] in file
            assert sha256((folder / file).read_bytes()).hexdigest() == said["sha256"], file
            named.add(file)
    assert {path.name for path in folder.iterdir()} == named
