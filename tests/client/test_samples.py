"""Programs written for Google run against ``tidegate serve`` with only their import changed, and do the same."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.endtoend.server import Server

SAMPLES = Path(__file__).parent / "samples"
URL = "http://127.0.0.1:9/letters"
PROGRAMS = [
    ("push", "v2"),
    ("push", "v2beta3"),
    ("pull", "v2beta2"),
    ("asynchronous", "v2"),
    ("asynchronous", "v2beta3"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("server"), "--queue-name-reuse-after", "0s") as server:
        yield server.start()


def sample(name: str, version: str) -> str:
    return (
        (SAMPLES / f"{name}.py")
        .read_text()
        .replace("tasks_v2 ", f"tasks_{version} ")
        .replace("tasks_v2\n", f"tasks_{version}\n")
        .replace("tasks_v2.", f"tasks_{version}.")
    )


def run(code: str, server: Server, queue: str) -> list[str]:
    environment = {**os.environ, "CLOUD_TASKS_EMULATOR_HOST": server.address, "NO_GCE_CHECK": "true"}
    done = subprocess.run(
        [sys.executable, "-c", code, queue, URL], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.replace(queue, "QUEUE").splitlines()


def ours(code: str) -> str:
    changed = code.replace("from google.cloud import tasks", "from tidegate import tasks")
    assert changed != code
    return changed


@pytest.mark.parametrize(("name", "version"), PROGRAMS)
def test_a_program_for_google_runs_with_its_import_changed(server: Server, name: str, version: str) -> None:
    code = sample(name, version)
    with_google = run(
        f"import tidegate; tidegate.patch_google_cloud_tasks()\n{code}", server, f"google-{name}-{version}"
    )
    with_ours = run(ours(code), server, f"ours-{name}-{version}")
    assert len(with_ours) > 3
    assert with_ours == with_google


@pytest.mark.parametrize(("name", "version"), PROGRAMS)
def test_over_rest_it_does_the_same_and_says_more_exactly_what_was_wrong(
    server: Server, name: str, version: str
) -> None:
    code = ours(sample(name, version))
    over_rest = code.replace("Client()", 'Client(transport="rest")')
    assert run(over_rest, server, f"rest-{name}-{version}") == run(code, server, f"grpc-{name}-{version}")
