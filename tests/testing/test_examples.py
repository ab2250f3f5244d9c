"""Test suites as others write them: green as they are, each of their tests red where its handler is broken."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from tests.testing.suites import ASYNCIO, BARE, OURS, suite

EXAMPLES = sorted(path for path in (Path(__file__).parent / "examples").iterdir() if path.is_dir())
TESTS = 20
LONG = os.environ.get("EXAMPLES") == "all"
"""Whether every example is run with two workers; otherwise the first is, for the others a process alone will do."""

HANDLER = re.compile(r"^((?:async )?def \w+\(.*\).*:\n)", re.MULTILINE)


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An example, copied to where nothing of ours surrounds it."""
    to = tmp_path / request.param.name
    return Path(shutil.copytree(request.param, to, ignore=shutil.ignore_patterns("__pycache__")))


every_example = pytest.mark.parametrize("project", EXAMPLES, ids=lambda path: path.name, indirect=True)


@every_example
def test_the_suite_of_an_example_is_green(project: Path) -> None:
    if LONG or project.name == EXAMPLES[0].name:
        done = suite(project, "-n", "2")
    else:
        done = suite(project, *OURS, *ASYNCIO, **BARE)
    assert f"{TESTS} passed" in done.stdout, done.stdout + done.stderr
    print(f"{project.name}: {done.stdout.splitlines()[-1]}")


@every_example
def test_each_test_of_an_example_is_red_where_its_handler_is_broken(project: Path) -> None:
    handlers = project / "handlers.py"
    broken, count = HANDLER.subn(r'\1    raise RuntimeError("planted")\n', handlers.read_text())
    assert count >= 3
    handlers.write_text(broken)
    done = suite(project, *OURS, *ASYNCIO, "--tb", "line", **BARE)
    assert f"{TESTS} failed" in done.stdout, done.stdout[-10_000:] + done.stderr
