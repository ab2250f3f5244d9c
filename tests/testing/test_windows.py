"""What can be told here about Windows: the scenarios of the fixture, and a server, without what only Unix has."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.testing.suites import ASYNCIO, BARE, OURS, suite

HERE = Path(__file__).parent
SCENARIOS = "test_fixture.py"
CONFTEST = """
import pytest
from tidegate.testing import Tidegate
from tidegate.testing.real_time import calls_by_real_time


@pytest.fixture
def every_mode():
    made = Tidegate()
    with calls_by_real_time():
        yield made
    made.close()
"""
LACKS = (
    "this system lacks uvloop (10 to 20 % fewer dispatches); limits of open files (1024 are counted on); "
    "SIGHUP (files that changed are read within 10 s). All else is as everywhere"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the plugin that makes a process look as on Windows."""
    shutil.copy(HERE / "as_windows.py", tmp_path)
    return tmp_path


def test_every_scenario_of_the_fixture_passes_without_what_only_unix_has(folder: Path) -> None:
    shutil.copy(HERE / SCENARIOS, folder)
    (folder / "conftest.py").write_text(CONFTEST)
    done = suite(folder, "-s", "-p", "as_windows", *OURS, *ASYNCIO, PYTHONPATH=str(folder), **BARE)
    last = done.stdout.splitlines()[-1]
    assert "passed" in last, done.stdout[-5000:] + done.stderr
    assert not {"failed", "error", "skipped"} & set(last.replace(",", "").split()), done.stdout[-5000:]
    assert int(last.split()[0]) >= 30


def test_a_server_says_in_one_line_what_it_lacks(folder: Path) -> None:
    program = "import as_windows; from tidegate.cli import main; main()"
    command = [sys.executable, "-c", program, "serve", "--port", "0", "--store", "sqlite://:memory:"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": str(folder)}
    ) as server:
        try:
            assert server.stdout is not None
            assert server.stdout.readline().startswith("listening on http://")
        finally:
            server.send_signal(signal.SIGTERM)
            _, said = server.communicate(timeout=60)
    assert [json.loads(line)["message"] for line in said.splitlines()] == [LACKS]
    assert server.returncode == 0


def test_a_server_that_lacks_nothing_says_nothing() -> None:
    code = "from tidegate.servers.lacking import lacking; print(repr(lacking()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "''\n"


@pytest.mark.parametrize(
    ("library", "said"),
    [
        (
            "raise ImportError('DLL load failed while importing _lib', name='h2corn._lib')",
            "this needs h2corn, which cannot be loaded here (DLL load failed while importing _lib):"
            " docs/platforms.md says where it can\n",
        ),
        (
            "raise ModuleNotFoundError('No module named h2corn', name='h2corn')",
            "this needs h2corn, which is not installed here: pip install tidegate\n",
        ),
    ],
    ids=["of another system", "not installed"],
)
def test_a_library_that_cannot_be_had_is_named_in_one_line(library: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "h2corn.py").write_text(library)
    command = [sys.executable, "-m", "tidegate", "serve", "--port", "0", "--store", "sqlite://:memory:"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(tmp_path)}
    )
    assert (done.returncode, done.stderr) == (1, said)


def test_the_client_needs_nothing_that_only_servers_have(tmp_path: Path) -> None:
    """``pip install tidegate`` is of use even where no server can run."""
    program = (
        "import sys\n"
        "for name in ('ada_url', 'aiohappyeyeballs', 'apsw', 'click', 'fcntl', 'h2corn', 'httptools', 'jinja2',"
        " 'joserfc', 'prometheus_client', 'pygments', 'resource', 'rich', 'uvloop', 'yaml'): sys.modules[name] = None\n"
        "import tidegate\n"
        "with tidegate.connect('127.0.0.1:1') as client: print(type(client).__name__)\n"
        "from tidegate.handlers import TaskRequest\n"
        "print(TaskRequest.__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout == "CloudTasksClient\nTaskRequest\n", done.stderr
