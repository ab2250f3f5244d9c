"""The package as users install it: its wheel, beside what it depends on and nothing else."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from queue import Queue as Lines
from urllib.request import urlopen

import pytest
from tests.cli.dev.dev_server import PATIENCE, application, started, until
from tests.cli.serving import environment
from tests.dependencies.building import build, files_of, needed, wheel_again
from tests.dependencies.locks import ROOT

PROGRAM = """\
import sys
from tidegate import tasks_v2

client = tasks_v2.CloudTasksClient()
client.create_task(parent=sys.argv[1], task={"http_request": {"url": "https://shop.example.com/work"}})
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs of an environment are elsewhere there")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    return build(ROOT, tmp_path_factory.mktemp("built"), "wheel")


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tidegate`` in a virtual environment that has the wheel and the run-time dependencies of this environment."""
    home = tmp_path_factory.mktemp("installed") / "environment"
    venv.create(home, with_pip=False)
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--quiet",
            "--python",
            home / "bin/python",
            "install",
            "--no-deps",
            "--no-index",
            built,
        ],
        check=True,
    )
    link_dependencies(Path(sysconfig.get_path("purelib", vars={"base": str(home)})))
    return home / "bin/tidegate"


def link_dependencies(site: Path) -> None:
    for found in needed():
        for file in files_of(found):
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            (site / file).symlink_to(file.locate())


def test_an_installed_server_serves_with_its_dependencies_alone(installed: Path, tmp_path: Path) -> None:
    command: list[str | Path] = [installed, "serve", "--port", "0", "--store", "sqlite:///tasks.db"]
    with subprocess.Popen(command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip().removeprefix("listening on ")
            with urlopen(f"{url}/readyz", timeout=30) as answer:
                assert answer.status == 200
        finally:
            process.terminate()
    assert process.returncode == 0


def test_an_installed_demo_keeps_its_promises_with_its_dependencies_alone(installed: Path) -> None:
    done = subprocess.run(
        [installed, "demo", "--tasks", "40"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Every promise held" in done.stdout, done.stdout + done.stderr


def test_an_installed_dev_delivers_a_task_by_the_lines_it_prints(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with application() as (url, calls), started("--port", "0", "--app", url, program=[str(installed)]) as lines:
        deliver_by(lines, [str(installed.with_name("python"))])
        assert calls.get(timeout=PATIENCE) == ("/work", "shop.example.com")
        assert until(lines, " attempt ").endswith(" ms https://shop.example.com/work")


def test_uvx_runs_the_wheel_without_an_environment(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    house = tmp_path / "wheels"
    house.mkdir()
    for found in needed():
        wheel_again(found, house)
    flags = ["--offline", "--no-index", "--find-links", str(house), "--cache-dir", str(tmp_path / "cache")]
    uvx = [str(Path(sys.executable).with_name("uvx")), "--quiet", "--no-config", *flags, "--python", sys.executable]
    with (
        application() as (url, calls),
        started("--port", "0", "--app", url, program=[*uvx, "--from", str(built), "tidegate"]) as lines,
    ):
        deliver_by(lines, [sys.executable])
        assert calls.get(timeout=PATIENCE) == ("/work", "shop.example.com")


def deliver_by(lines: Lines[str], python: list[str]) -> None:
    """Do what the lines say: export the variable, and create a task with the client that they name."""
    queue = until(lines, "queue  ").split()[1]
    export = until(lines, "export CLOUD_TASKS_EMULATOR_HOST=")
    assert "tasks_v2 from tidegate" in until(lines, "Python  ")
    done = subprocess.run(
        ["sh", "-c", f'{export}; exec "$@"', "sh", *python, "-c", PROGRAM, queue],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
