"""Whatever google-cloud-tasks 2.26 offers, found by looking at the installed package, is here and answers alike."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
VERSIONS = ["v2", "v2beta2", "v2beta3"]


@cache
def surface(package: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.client.surface", package]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    described: dict[str, Any] = json.loads(done.stdout)
    return described


def both(version: str, part: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return surface(f"tidegate.tasks_{version}")[part], surface(f"google.cloud.tasks_{version}")[part]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_module_and_every_public_name_is_there(version: str) -> None:
    ours, google = both(version, "modules")
    assert len(google) > 15
    missing = {name: set(names) - set(ours.get(name, [])) for name, names in google.items()}
    assert {name: names for name, names in missing.items() if names or name not in ours} == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_member_takes_the_same_parameters_with_the_same_defaults(version: str) -> None:
    ours, google = both(version, "classes")
    assert len(google) > 10
    compared = 0
    for name, members in google.items():
        for member, expected in members.items():
            compared += 1
            assert ours[name].get(member) == expected, f"{name}.{member}"
    assert compared > 300


@pytest.mark.parametrize("part", ["paths", "constants", "refusals"])
@pytest.mark.parametrize("version", VERSIONS)
def test_path_helpers_constants_and_constructors_answer_alike(version: str, part: str) -> None:
    ours, google = both(version, part)
    assert ours.keys() == google.keys()
    for name, expected in google.items():
        assert ours[name] == expected, name


def test_a_difference_would_be_seen() -> None:
    """The comparison has teeth: v2beta2 lacks what v2 has, and its client says so."""
    v2, beta = both("v2", "classes")[0], both("v2beta2", "classes")[0]
    client = "services.cloud_tasks.client.CloudTasksClient"
    assert v2[client]["create_task"] == beta[client]["create_task"]
    assert "batch_create_tasks" in v2[client]
    assert "batch_create_tasks" not in beta[client]
