"""Where packages have wheels: read from the names of their files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import parse_wheel_filename

PYTHONS: Final = ((3, 11), (3, 12), (3, 13), (3, 14))
GLIBC: Final = 28  # 2.28, of 2018: Debian 10, Ubuntu 18.10, RHEL 8
MUSL: Final = 2  # 1.2, of 2020: Alpine 3.13
MACOS: Final = (14, 0)


class Platform(Struct, frozen=True):
    """What pip calls a platform. ``tags`` are of the wheels that it takes, ``markers`` what requirements ask of it."""

    name: str
    tags: tuple[str, ...]
    markers: dict[str, str]


def _linux(name: str, libc: str, machine: str) -> Platform:
    if libc == "glibc":
        old = (f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}")
        tags = (*(f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 4, -1)), *old)
    else:
        tags = tuple(f"musllinux_1_{minor}_{machine}" for minor in range(MUSL, -1, -1))
    return Platform(name, tags, _markers("linux", "Linux", "posix", machine))


def _macos(name: str, machine: str) -> Platform:
    return Platform(name, tuple(mac_platforms(MACOS, machine)), _markers("darwin", "Darwin", "posix", machine))


def _markers(sys_platform: str, system: str, os_name: str, machine: str) -> dict[str, str]:
    return {"sys_platform": sys_platform, "platform_system": system, "os_name": os_name, "platform_machine": machine}


PLATFORMS: Final = (
    _linux("Linux x86-64", "glibc", "x86_64"),
    _linux("Linux ARM64", "glibc", "aarch64"),
    _linux("musl x86-64", "musl", "x86_64"),
    _linux("musl ARM64", "musl", "aarch64"),
    _macos("macOS ARM64", "arm64"),
    _macos("macOS x86-64", "x86_64"),
    Platform("Windows x86-64", ("win_amd64",), _markers("win32", "Windows", "nt", "AMD64")),
)


def coverage(files: Iterable[str], marker: str, platform: Platform) -> str:
    """For which of ``PYTHONS`` a package has a wheel on a platform: ``all``, ``none``, some by name, or ``not needed``.

    ``files`` are the names of its wheels, ``marker`` is the requirement's, empty without one.
    """
    offered = {tag for file in files for tag in parse_wheel_filename(file)[3]}
    needed = [python for python in PYTHONS if not marker or Marker(marker).evaluate(_environment(python, platform))]
    if not needed:
        return "not needed"
    found = [python for python in needed if any(tag in offered for tag in _accepted(python, platform))]
    if found == needed:
        return "all"
    return ", ".join(f"{major}.{minor}" for major, minor in found) or "none"


def is_pure(files: Iterable[str]) -> bool:
    """Whether a package has a wheel that fits everywhere."""
    return any(file.endswith("-none-any.whl") for file in files)


def _accepted(python: tuple[int, int], platform: Platform) -> Iterator[Tag]:
    interpreter = f"cp{python[0]}{python[1]}"
    yield from cpython_tags(python, [interpreter], platform.tags)
    yield from compatible_tags(python, interpreter, platform.tags)


def _environment(python: tuple[int, int], platform: Platform) -> dict[str, str]:
    version = f"{python[0]}.{python[1]}"
    return platform.markers | {
        "python_version": version,
        "python_full_version": f"{version}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
