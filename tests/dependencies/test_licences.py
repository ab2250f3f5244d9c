"""THIRD_PARTY.md and the bill of materials name everything that the image has."""

from __future__ import annotations

import json
from pathlib import Path

from tests.dependencies import licences, sbom
from tests.dependencies.locks import IMAGE, read

import tidegate

FREE = {"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "any-OSI"}
"""Licences that ask for no more than to be named, or for changes to the package itself."""

LIBRARIES = {"psycopg": "LGPL-3.0-only", "psycopg-binary": "LGPL-3.0-only"}
"""Packages that are used as they are, beside ours, and may be replaced by whoever runs them."""


def test_the_list_of_licences_is_that_of_the_lock() -> None:
    assert licences.PAGE.read_text() == licences.page(), "run: make lock"


def test_every_licence_lets_anyone_run_and_ship_the_image() -> None:
    asks_more = {
        each.name: each.licence
        for each in [*licences.packages(), *licences.vendored()]
        if not any(one.strip("() ") in FREE for one in each.licence.replace(" AND ", " OR ").split(" OR "))
    }
    assert asks_more == LIBRARIES


def test_the_bill_of_materials_has_every_package_with_its_hashes_and_licence(tmp_path: Path) -> None:
    path = tmp_path / "sbom.cdx.json"
    sbom.main(str(path))
    bill = json.loads(path.read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    assert bill["metadata"]["component"]["version"] == tidegate.__version__
    found = {(each["name"], each["version"]): each for each in bill["components"]}
    locked = {(entry.name, entry.version): entry for entry in read(IMAGE.read_text())}
    assert locked.keys() <= found.keys()
    for key, entry in locked.items():
        each = found[key]
        assert each["purl"] == f"pkg:pypi/{entry.name}@{entry.version}"
        assert each["licenses"]
        assert {f"sha256:{one['content']}" for file in each["externalReferences"] for one in file["hashes"]} == set(
            entry.hashes
        )
    references = {each["bom-ref"] for each in bill["components"]} | {bill["metadata"]["component"]["bom-ref"]}
    assert {each["ref"] for each in bill["dependencies"]} == references
    assert {one for each in bill["dependencies"] for one in each["dependsOn"]} <= references


def test_the_bill_is_the_same_each_time(tmp_path: Path) -> None:
    sbom.main(str(tmp_path / "one"))
    sbom.main(str(tmp_path / "other"))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()
