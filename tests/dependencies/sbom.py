"""The bill of materials: what the image has of Python, in the form of CycloneDX 1.6. ``make sbom``.

https://cyclonedx.org/docs/1.6/json/. It has no time and no random number, so the same lock gives the same file.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.dependencies.licences import licence_of, vendored
from tests.dependencies.locks import IMAGE, read

import tidegate

ROOT_REF = f"pkg:pypi/tidegate@{tidegate.__version__}"
EXPRESSION = re.compile(r" (?:AND|OR|WITH) ")


def bill() -> dict[str, Any]:
    """The document."""
    entries = {entry.name: entry for entry in read(IMAGE.read_text())}
    purls = {name: f"pkg:pypi/{name}@{entry.version}" for name, entry in sorted(entries.items())}
    scripts = {each.name: f"pkg:npm/{each.name}@{each.version}" for each in vendored()}
    components = [
        _component(name, entries[name].version, purls[name], licence_of(name), entries[name].hashes)
        for name in sorted(entries)
    ]
    components += [_component(each.name, each.version, scripts[each.name], each.licence, ()) for each in vendored()]
    own = sorted(
        {*_on("tidegate", purls, set(metadata("tidegate").get_all("Provides-Extra") or ())), *scripts.values()}
    )
    depends = [{"ref": ROOT_REF, "dependsOn": own}]
    depends += [{"ref": purl, "dependsOn": _on(name, purls, set())} for name, purl in purls.items()]
    depends += [{"ref": purl, "dependsOn": []} for purl in scripts.values()]
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": ROOT_REF,
                "name": "tidegate",
                "version": tidegate.__version__,
                "purl": ROOT_REF,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            }
        },
        "components": components,
        "dependencies": depends,
    }


def _component(name: str, version: str, purl: str, licence: str, hashes: tuple[str, ...]) -> dict[str, Any]:
    """A package. Its hashes are those of its files for all platforms, any of which may be the one installed."""
    files = [
        {
            "type": "distribution",
            "url": f"urn:sha256:{digest.partition(':')[2]}",
            "hashes": [{"alg": "SHA-256", "content": digest.partition(":")[2]}],
        }
        for digest in hashes
    ]
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "licenses": [_licence(licence)],
        **({"externalReferences": files} if files else {}),
    }


def _licence(name: str) -> dict[str, Any]:
    if EXPRESSION.search(name):
        return {"expression": name}
    return {"license": {"name": name}} if name == "any-OSI" else {"license": {"id": name}}


def _on(name: str, purls: dict[str, str], extras: set[str]) -> list[str]:
    """The packages of the lock that a package asks for, on any platform."""
    try:
        wanted = [Requirement(text) for text in requires(name) or ()]
    except PackageNotFoundError:
        return []
    names = {
        canonicalize_name(each.name)
        for each in wanted
        if each.marker is None
        or "extra" not in str(each.marker)
        or any(each.marker.evaluate({"extra": extra}) for extra in extras)
    }
    return sorted(purls[each] for each in names if each in purls)


def main(path: str) -> None:
    """Write it to a file."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(bill(), indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
