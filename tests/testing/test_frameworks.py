"""Frameworks that others keep, and testcontainers: each with its real package, in the versions that are pinned."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.endtoend.cache import CACHE, alone_with
from tests.snippets.claims import snippet
from tests.testing.suites import suite

from tidegate.testing import Server

PINNED = Path(__file__).parent / "frameworks/requirements.txt"
PAGE = Path(__file__).parents[2] / "docs/frameworks.md"
DONE = "installed"
SNIPPETS = {
    "docs/frameworks.md python 1 2": "run by pytest, with the real packages",
    "docs/testing.md python 3": "run, with what stands for an engine of containers",
}


@pytest.fixture(scope="module")
def packages() -> Path:
    """A directory with the pinned packages; what they need besides is installed for development."""
    name = hashlib.sha256(PINNED.read_bytes()).hexdigest()[:12]
    with alone_with(CACHE / f"frameworks-{name}") as place:
        if not (place / DONE).exists():
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
            subprocess.run([*command, "--target", str(place), "--requirement", str(PINNED)], check=True)
            (place / DONE).touch()
    return place


def program(title: str) -> str:
    """The program of a section of the page."""
    section = PAGE.read_text().split(f"\n## {title}\n", 1)[1]
    return section.split("```python\n", 1)[1].split("```", 1)[0]


@pytest.mark.parametrize("framework", ["fastapi-gcp-tasks", "django-google-cloud-tasks"])
def test_the_tests_of_the_page_are_green_with_the_real_package(framework: str, packages: Path, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(program(framework))
    done = suite(tmp_path, PYTHONPATH=str(packages))
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_page_names_the_pinned_versions() -> None:
    page, pinned = PAGE.read_text(), dict(line.split("==") for line in PINNED.read_text().split() if "==" in line)
    for package in ("fastapi-gcp-tasks", "django-google-cloud-tasks"):
        assert f"| {package} | {pinned[package]}" in page


ENGINE = """
import sys
import testcontainers.core.container as library

PORT, MADE = int(sys.argv[1]), []


class Engine:
    'What stands for Docker: its container is a server that runs already.'

    def __init__(self, **options):
        self.client = self

    def close(self):
        pass

    def create(self, image, **options):
        MADE.append((image, options))
        return self

    def start(self, container):
        pass

    def reload(self):
        pass

    def remove(self, **options):
        MADE.append('removed')

    short_id = id = 'c'
    status = 'running'

    use_mapped_port = True

    def get_connection_mode(self):
        return self

    def host(self):
        return '127.0.0.1'

    def port(self, container, port):
        assert port == 8123
        return PORT


library.DockerClient = Engine
library.c.ryuk_disabled = True
library.DockerContainer.get_container_host_ip = lambda self: '127.0.0.1'
"""

CONTAINER = """
from tidegate.testing import TidegateContainer

with TidegateContainer('tidegate:1', '--queue', 'projects/p/locations/l/queues/q') as server:
    assert server.get_address() == f'127.0.0.1:{PORT}', server.get_address()
    assert server.get_url() == f'http://127.0.0.1:{PORT}'
    with server.get_client() as client:
        assert list(client.list_queues(parent='projects/p/locations/us-central1')) == []
image, options = MADE[0]
assert image == 'tidegate:1'
assert options['command'][:2] == ['serve', '--dev'] and options['command'][-2] == '--queue', options
assert [str(port).partition('/')[0] for port in options['ports']] == ['8123'], options['ports']
assert MADE[-1] == 'removed'
print('done')
"""


SHOWN = """
    assert list(client.list_queues(parent='projects/p/locations/us-central1')) == []
print('done')
"""


@pytest.mark.parametrize("of_the_page", [False, True], ids=["ours", "of the page"])
def test_a_container_is_made_as_it_should_be_and_waited_for(packages: Path, of_the_page: bool) -> None:
    """Without an engine for containers: what testcontainers would ask of one, and the way to the server."""
    uses = snippet("docs/testing.md", "python", 3) + SHOWN if of_the_page else CONTAINER
    with Server() as server:
        port = server.address.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "-c", ENGINE + uses, port],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            env=os.environ | {"PYTHONPATH": str(packages)},
        )
    assert "done" in done.stdout, done.stderr


def test_without_testcontainers_the_cure_is_named() -> None:
    code = "from tidegate.testing import TidegateContainer"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install testcontainers" in done.stderr
