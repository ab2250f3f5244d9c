"""``docs/platforms.md``: on which platforms each package that Tidegate runs with has a wheel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tests.dependencies.locks import ROOT, Locked
from tests.dependencies.wheels import PLATFORMS, PYTHONS, coverage, is_pure

PAGE = ROOT / "docs/platforms.md"

TEXT = """\
# Platforms

<!-- Written by `make lock`. -->

Tidegate itself is pure Python. It runs where the packages that it needs can be installed, and where they have wheels no
compiler is needed. This page says where each has one: for CPython {first} to {last}, on Linux with glibc 2.28 or later
or with musl 1.2 or later (Alpine), on macOS 14 or later, and on Windows. "All" means each of these versions of Python.

Every change is tested on Linux x86-64 with glibc. Elsewhere Tidegate is expected to run once each package is installed,
but that is not tested. Where a package has no wheel, an older version may have one: `pip install --prefer-binary`.

| package | version | {names} |
|---|---|{rules}
{rows}

These are pure Python and fit everywhere: {pure}.

The versions are those of [requirements.lock](../requirements.lock), which names each file by its hash:
`pip install --require-hashes --requirement requirements.lock`, then `pip install --no-deps .`

## Extras, and what Windows lacks

`pip install tidegate` takes 100 MB in 39 packages: 6 are Tidegate, 43 what clients need (gRPC and Google's
authentication), 52 what servers and the command line need. `tidegate[otel]`, for traces, adds 3 MB in 8 packages, and
`tidegate[postgres]` 12 MB in 2; a server that is not asked for these imports neither (56 and 120 modules of 770). What
servers need is no extra, because the server within a test uses it too; a client imports none of it.

A server on Windows has no uvloop, no limits of open files and no SIGHUP. It says so in one line and runs. The server
within a test ([docs/testing.md](testing.md)) needs nothing that only Unix has.
"""
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| ([^|]+) \| (.+) \|$", re.MULTILINE)
PURE = re.compile(r"`([a-z0-9-]+) ([^`]+)`")


def page(locked: Sequence[Locked], files: Mapping[tuple[str, str], Sequence[str]]) -> str:
    """The page for the packages of a lock; ``files`` are the names of the wheels of each name and version."""
    rows, pure = [], []
    for package in locked:
        wheels = files[package.name, package.version]
        if is_pure(wheels):
            pure.append(f"`{package.name} {package.version}`")
        else:
            cells = [coverage(wheels, package.marker, platform) for platform in PLATFORMS]
            rows.append(f"| `{package.name}` | {package.version} | {' | '.join(cells)} |")
    return TEXT.format(
        first=".".join(map(str, PYTHONS[0])),
        last=".".join(map(str, PYTHONS[-1])),
        names=" | ".join(platform.name for platform in PLATFORMS),
        rules="---|" * len(PLATFORMS),
        rows="\n".join(rows),
        pure=wrapped(pure),
    )


def wrapped(words: Sequence[str], width: int = 120) -> str:
    """The words with commas between them, in lines that begin anew once they are full."""
    lines = [""]
    for word in words:
        piece = word if word == words[-1] else f"{word},"
        if len(lines[-1]) + len(piece) + 1 > width - 42 * (len(lines) == 1):
            lines.append(piece)
        else:
            lines[-1] = f"{lines[-1]} {piece}".strip()
    return "\n".join(lines)


def table(text: str) -> dict[tuple[str, str], dict[str, str]]:
    """What the page says of each package and version that is not pure Python, by platform."""
    names = [platform.name for platform in PLATFORMS]
    return {
        (name, version): dict(zip(names, cells.split(" | "), strict=True)) for name, version, cells in ROW.findall(text)
    }


def pure(text: str) -> set[tuple[str, str]]:
    """The packages and versions that the page calls pure Python."""
    return {
        (name, version) for name, version in PURE.findall(text.partition("fit everywhere:")[2].partition(".\n\n")[0])
    }
