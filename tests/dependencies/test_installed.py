"""The package as users install it: its wheel, beside what it depends on and nothing else."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import distribution
from pathlib import Path
from urllib.request import urlopen

import pytest
from packaging.markers import Marker
from tests.cli.serving import environment
from tests.dependencies.locks import ROOT, RUN, read

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the programs of an environment are elsewhere there")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``tidegate`` in a virtual environment that has the wheel and the run-time dependencies of this environment."""
    directory = tmp_path_factory.mktemp("installed")
    pip("wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", directory, ROOT)
    (wheel,) = directory.glob("tidegate-*.whl")
    home = directory / "environment"
    venv.create(home, with_pip=False)
    pip("--python", home / "bin/python", "install", "--no-deps", "--no-index", wheel)
    link_dependencies(Path(sysconfig.get_path("purelib", vars={"base": str(home)})))
    return home / "bin/tidegate"


def pip(*arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *arguments], check=True)


def link_dependencies(site: Path) -> None:
    for entry in read(RUN.read_text()):
        if entry.marker and not Marker(entry.marker).evaluate():
            continue
        for file in distribution(entry.name).files or ():
            if ".." not in file.parts and file.suffix != ".pyc":
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
