"""Style sheets, scripts and icons, read once and kept by browsers until the next version."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from tidegate.console.answer import Answer
from tidegate.servers.call import Scope

TYPES: Final = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".txt": b"text/plain; charset=utf-8",
}
FOREVER: Final = (b"cache-control", b"public, max-age=31536000, immutable")
ONCE: Final = (b"cache-control", b"no-cache")


def static_answer(name: str, scope: Scope) -> Answer:
    """The file of this name; 404 for any other. With its version in the query it may be kept for ever."""
    found = _read(name)
    if found is None:
        return Answer(b"There is no such file.", 404, b"text/plain; charset=utf-8")
    kind, body, version = found
    kept = FOREVER if scope["query_string"] == version.encode() else ONCE
    return Answer(body, 200, kind, [kept])


def versioned(name: str) -> str:
    """The address of a file, relative to the console, with its version."""
    found = _read(name)
    if found is None:
        raise LookupError(name)
    return f"static/{name}?{found[2]}"


def _read(name: str) -> tuple[bytes, bytes, str] | None:
    return _all().get(name)


@cache
def _all() -> dict[str, tuple[bytes, bytes, str]]:
    """All files by name: only these are ever served."""
    found = {}
    folder = files("tidegate.console") / "static"
    for prefix, place in (("", folder), ("vendor/", folder / "vendor")):
        for file in place.iterdir():
            kind = TYPES.get("." + file.name.rpartition(".")[2])
            if file.is_file() and kind is not None:
                body = file.read_bytes()
                found[prefix + file.name] = (kind, body, sha256(body).hexdigest()[:12])
    return found
