"""Test suites as others write them: green as they are with two workers, each test red where its handler is broken."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "examples"
EXAMPLES = sorted(path for path in FOLDER.iterdir() if path.is_dir())
TESTS = 20
EACH = os.environ.get("EXAMPLES") == "each"
"""Whether every example is run by itself, and its time shown: the long form."""

HANDLER = re.compile(r"^((?:async )?def \w+\(.*\).*:\n)", re.MULTILINE)


def suite(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder that stands by itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    options = ["-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function"]
    return subprocess.run(
        [*command, "--rootdir", str(folder), *options, *arguments, str(folder)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        cwd=folder,
        env=kept,
    )


def copied(examples: list[Path], to: Path) -> Path:
    """The examples, copied to where nothing of ours surrounds them."""
    for each in examples:
        shutil.copytree(each, to / each.name, ignore=shutil.ignore_patterns("__pycache__"))
    return to


def planted(folder: Path) -> Path:
    """The same with every handler broken."""
    for file in folder.rglob("handlers.py"):
        file.write_text(HANDLER.sub(r'\1    raise RuntimeError("planted")\n', file.read_text()))
    return folder


together = pytest.mark.parametrize(
    "examples",
    [[each] for each in EXAMPLES] if EACH else [EXAMPLES],
    ids=lambda examples: examples[0].name if EACH else "all",
)


@together
def test_the_suites_of_the_examples_are_green(examples: list[Path], tmp_path: Path) -> None:
    done = suite(copied(examples, tmp_path), "-n", "2")
    assert f"{TESTS * len(examples)} passed" in done.stdout, done.stdout + done.stderr
    print(f"{', '.join(each.name for each in examples)}: {done.stdout.splitlines()[-1]}")


@together
def test_each_test_of_the_examples_is_red_where_its_handler_is_broken(examples: list[Path], tmp_path: Path) -> None:
    done = suite(planted(copied(examples, tmp_path)), "-n", "2", "--tb", "line")
    assert f"{TESTS * len(examples)} failed" in done.stdout, done.stdout[-10_000:] + done.stderr
    assert "passed" not in done.stdout.splitlines()[-1]


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
        " 'tidegate.testing.plugin', 'tidegate.testing.modes'}, ours\n"
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
