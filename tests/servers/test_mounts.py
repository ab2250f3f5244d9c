"""Who answers where."""

from __future__ import annotations

from typing import Any

import pytest

from tidegate.servers.mounts import READING, Mount, Mounts


async def app(scope: Any, receive: Any, send: Any) -> None: ...


MOUNTS = Mounts(
    [
        Mount("/page", app, READING),
        Mount("/page", app, {"POST"}, always=True),
        Mount("/all/", app, below=True),
        Mount("/all/one", app),
        Mount("/all/", app, {"GET"}, below=True, always=True),
        Mount("/Service/Stream", app, stream=True),
        Mount("/", app, {"DELETE"}, below=True),
    ]
)


def found(verb: str, path: str, *, stream: bool = False) -> tuple[str, bool] | None:
    mount = MOUNTS.find({"method": verb, "path": path}, stream=stream)
    return None if mount is None else (mount.path, mount.always)


@pytest.mark.parametrize(
    ("verb", "path", "expected"),
    [
        ("GET", "/page", ("/page", False)),
        ("HEAD", "/page", ("/page", False)),
        ("POST", "/page", ("/page", True)),
        ("PUT", "/page", None),
        ("GET", "/page/", None),
        ("GET", "/all/one", ("/all/one", False)),  # at the path, before the one above it
        ("GET", "/all/two", ("/all/", False)),  # the first in the list
        ("GET", "/all", None),
        ("DELETE", "/anything", ("/", False)),
        ("DELETE", "/page", ("/", False)),  # no mount at the path takes the verb
        ("POST", "/Service/Stream", None),
    ],
)
def test_a_mount_is_found_by_path_and_verb(verb: str, path: str, expected: tuple[str, bool] | None) -> None:
    assert found(verb, path) == expected


def test_calls_of_many_messages_have_mounts_of_their_own() -> None:
    assert found("POST", "/Service/Stream", stream=True) == ("/Service/Stream", False)
    assert found("DELETE", "/anything", stream=True) is None
