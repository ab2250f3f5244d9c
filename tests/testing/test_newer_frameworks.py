"""Frameworks that need a newer Python than our tests run on: each with its real package, in the versions that are
pinned.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.testing.newer_python import environment, newer_python
from tests.testing.suites import BARE, OURS, suite
from tests.testing.test_frameworks import program

PINNED = Path(__file__).parent / "frameworks/requirements-3.12.txt"
SOURCE = Path(__file__).parents[2] / "src"
PAGE = Path(__file__).parents[2] / "docs/frameworks.md"
FRAMEWORKS = ("django-tasks-google", "django-gcp")
SNIPPETS = {
    "docs/frameworks.md python 3 4": "run by pytest on Python 3.12 or later, with the real packages",
}


@pytest.fixture(scope="module")
def python() -> str:
    """An interpreter with the pinned packages."""
    found = newer_python()
    if found is None:
        pytest.skip("there is no Python 3.12 or later on PATH or in pyenv, which these frameworks need")
    return environment(found, PINNED)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_tests_of_the_page_are_green_with_the_real_package(framework: str, python: str, tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(program(framework))
    done = suite(tmp_path, *OURS, python=python, PYTHONPATH=str(SOURCE), **BARE)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_page_names_the_pinned_versions() -> None:
    page, pinned = PAGE.read_text(), dict(line.split("==") for line in PINNED.read_text().split() if "==" in line)
    for package in FRAMEWORKS:
        assert f"| {package} | {pinned[package]}, with Django {pinned['django']} |" in page
