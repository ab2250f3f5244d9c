"""Our client and Google's, called alike, put the same on the wire and make the same of the same answers."""

from __future__ import annotations

import copy
import functools
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.client.calls import Call, calls
from tests.client.faces.face import Face

from tidegate.schema.versions import VERSIONS

ROOT = Path(__file__).parents[2]
COUNT = int(os.environ.get("DIFFERENTIAL_CALLS", "200"))  # of each method
SEED = int(os.environ.get("SEED", "1"))


@functools.cache
def ours(version: str, transport: str, count: int) -> list[dict[str, Any]]:
    """What came of the calls of our client."""
    told: list[dict[str, Any]] = without_addresses(
        outcomes(f"tidegate.tasks_{version}", transport, made_for(version, count))
    )
    return told


def outcomes(package: str, transport: str, made: list[Call]) -> list[dict[str, Any]]:
    """What came of the calls, in a process that imports only one of the two clients' messages."""
    environment = {**os.environ, "GRPC_VERBOSITY": "NONE", "no_proxy": "*"}
    environment.pop("CLOUD_TASKS_EMULATOR_HOST", None)
    done = subprocess.run(
        [sys.executable, "-m", "tests.client.program", package, transport],
        input=pickle.dumps(made),
        capture_output=True,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    told: list[dict[str, Any]] = pickle.loads(done.stdout)
    return told


def made_for(version: str, count: int) -> list[Call]:
    """So many calls of each method; of fewer calls those that more would begin with, too."""
    drawn = [calls(row, count, SEED) for row in Face(version, VERSIONS[version]).rows]
    return [call for turn in zip(*drawn, strict=True) for call in turn]


def without_addresses(value: Any) -> Any:
    """Ports and the names of our own packages left out."""
    if isinstance(value, str):
        value = value.replace("AsyncClient", "Client")
        value = re.sub(r"127\.0\.0\.1:\d+", "HERE", value)
        return re.sub(r"\btidegate\.(v2\w*)", r"google.cloud.tasks.\1", value)
    if isinstance(value, dict):
        return {key: without_addresses(inner) for key, inner in value.items()}
    return [without_addresses(inner) for inner in value] if isinstance(value, list) else value


def is_refined(ours: Any, google: Any) -> bool:
    """Whether our error is Google's in the class that gRPC raises: a subclass, with its code."""
    if not (isinstance(ours, dict) and isinstance(google, dict) and "classes" in ours and "classes" in google):
        return False
    same = (
        ours["classes"][ours["classes"].index(google["classes"][0]) :]
        if google["classes"][0] in ours["classes"]
        else []
    )
    return same == google["classes"] and differing(ours, google) <= {"classes", "grpc"}


def differing(ours: dict[str, Any], google: dict[str, Any]) -> set[str]:
    return {key for key in ours.keys() | google.keys() if ours.get(key) != google.get(key)}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("transport", ["grpc", "grpc_asyncio", "rest"])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_same_calls_come_to_the_same(version: str, transport: str) -> None:
    count = COUNT if transport != "grpc_asyncio" else COUNT // 4
    made = made_for(version, count)
    google = outcomes(f"google.cloud.tasks_{version}", transport, made)
    for call, mine, theirs in zip(made, ours(version, transport, count), without_addresses(google), strict=True):
        assert mine["sent"] == theirs["sent"], call
        if transport == "rest" and is_refined(mine["came"], theirs["came"]):
            continue
        assert mine["came"] == theirs["came"], call


@pytest.mark.timeout(600)
@pytest.mark.parametrize("version", VERSIONS)
def test_rest_with_asyncio_which_google_lacks_does_as_rest_without(version: str) -> None:
    made = made_for(version, COUNT // 4)
    asynchronous = ours(version, "rest_asyncio", COUNT // 4)
    blocking = ours(version, "rest", COUNT)[: len(made)]
    for call, mine, theirs in zip(made, *copy.deepcopy((asynchronous, blocking)), strict=True):
        if isinstance(mine["came"], dict) and "classes" in (mine["came"].get("result") or ()):
            del mine["came"]["result"], theirs["came"]["result"]  # google-api-core's two futures fail differently
        assert mine == theirs, call


def test_a_difference_would_be_seen() -> None:
    ours = {"classes": ["NotFound", "ClientError"], "text": "404 x"}
    assert is_refined(ours, {"classes": ["ClientError"], "text": "404 x"})
    assert not is_refined(ours, {"classes": ["ClientError"], "text": "404 y"})
    assert not is_refined(ours, {"classes": ["ServerError"], "text": "404 x"})
    assert not is_refined(ours, {"kind": "Task"})
