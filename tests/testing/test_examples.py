"""Test suites as others write them: green as they are, red where their handler is broken, also with two workers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = sorted(path for path in (Path(__file__).parent / "examples").iterdir() if path.is_dir())
TESTS = 20


def suite(folder: Path, *arguments: str, broken: bool = False) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder that stands by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        str(folder),
    ]
    return subprocess.run(
        [*command, "--rootdir", str(folder), "-o", "asyncio_mode=auto", *arguments, str(folder)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=folder,
        env={**kept, "BROKEN_HANDLER": "1" if broken else "0"},
    )


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An example, copied to where nothing of ours surrounds it."""
    return Path(shutil.copytree(request.param, tmp_path / request.param.name))


every_example = pytest.mark.parametrize("project", EXAMPLES, ids=lambda path: path.name, indirect=True)


@every_example
def test_the_suite_of_an_example_is_green(project: Path) -> None:
    done = suite(project, "-n", "2")
    assert f"{TESTS} passed" in done.stdout, done.stdout + done.stderr


@every_example
def test_each_test_of_an_example_is_red_where_its_handler_is_broken(project: Path) -> None:
    done = suite(project, broken=True)
    assert f"{TESTS} failed" in done.stdout, done.stdout + done.stderr


def test_a_failing_test_says_which_tasks_are_left(tmp_path: Path) -> None:
    (tmp_path / "test_left.py").write_text(
        "from tidegate import http_task\n"
        "def test_it(tidegate):\n"
        "    tidegate.responds(500)\n"
        "    queue = tidegate.queue('mail')\n"
        "    with tidegate.client() as client:\n"
        "        client.create_task(parent=queue.name, task=http_task('http://shop.test/x'))\n"
        "    tidegate.run()\n"
        "    assert False\n"
    )
    said = suite(tmp_path).stdout
    assert "tasks left:" in said
    assert "mail/tasks/" in said
    assert "POST http://shop.test/x -> 500" in said


def test_the_plugin_imports_nothing_that_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "test_nothing.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    ours = {name for name in sys.modules if name.startswith('tidegate')}\n"
        "    assert ours <= {'tidegate', 'tidegate.client', 'tidegate.client.lazy', 'tidegate.testing',"
        " 'tidegate.testing.plugin'}, ours\n"
        "    assert not {'grpc', 'google.protobuf', 'msgspec'} & set(sys.modules)\n"
    )
    done = suite(tmp_path)
    assert "1 passed" in done.stdout, done.stdout


def test_the_test_that_the_guide_begins_with_is_green_and_red(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs/testing.md").read_text()
    program = guide.split("```python\n", 1)[1].split("```", 1)[0]
    (tmp_path / "test_guide.py").write_text(program)
    assert "1 passed" in suite(tmp_path).stdout
    (tmp_path / "test_guide.py").write_text(program.replace('sent.append(flask.request.get_json()["to"])', "pass"))
    assert "1 failed" in suite(tmp_path).stdout
