"""What docs/deploying.md has people type. There are no engines for containers here: what they are told is read."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml
from tests.dependencies.building import build
from tests.deploy.charts import CHART
from tests.snippets.claims import ROOT, snippet
from tests.snippets.shell import check_install, recorded, recorders, shell
from tests.website import environment

SNIPPETS = {
    "docs/deploying.md sh 1 2": "typed, with a program that notes what docker is told; the workflow runs the same",
    "docs/deploying.md sh 3": "typed, with folders and packages of the test; systemctl is told of what is there",
    "docs/deploying.md sh 4": "each install is rendered by helm where it is, and sets only what the chart has",
}

PAGE = "docs/deploying.md"


def flags(words: list[str]) -> dict[str, str]:
    """The flags of a call, with their values."""
    named = [number for number, word in enumerate(words) if word.startswith("--")]
    return {words[n]: words[n + 1] if n + 1 < len(words) and not words[n + 1].startswith("--") else "" for n in named}


def test_the_container_is_started_as_the_workflow_starts_it(tmp_path: Path) -> None:
    shell(snippet(PAGE, "sh", 1), tmp_path, programs=recorders(tmp_path, "docker"))
    build_image, run = recorded(tmp_path)
    assert build_image == ["docker", "build", "--tag", "tidegate", "."]
    workflow = (ROOT / ".github/workflows/image.yml").read_text()
    found = re.search(r"docker run (.*)$", workflow, re.MULTILINE)
    assert found is not None
    tried = flags(shlex.split(found[1]))
    del tried["--name"], tried["--detach"]
    assert run[-1] == "tidegate"
    assert flags(run) == {**tried, "--volume": "tidegate:/data", "--publish": "127.0.0.1:8123:8123"}
    assert "\nVOLUME /data\n" in (ROOT / "Dockerfile").read_text()


def test_the_lines_for_compose_name_files_and_the_variable_that_they_ask_for(tmp_path: Path) -> None:
    text = snippet(PAGE, "sh", 2)
    shell(text, tmp_path, programs=recorders(tmp_path, "docker"))
    one, three = recorded(tmp_path)
    assert one == ["docker", "compose", "up", "--detach"]
    assert three == ["docker", "compose", "--file", "compose.cluster.yaml", "up", "--detach"]
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.cluster.yaml").read_text()))
    assert asked == set(re.findall(r"^([A-Z_]+)=", text, re.MULTILINE))
    assert "${" not in (ROOT / "compose.yaml").read_text()


def test_the_units_are_installed_beside_a_place_of_their_own(tmp_path: Path) -> None:
    """The commands with ``/opt`` and ``/etc`` elsewhere."""
    units, opt = tmp_path / "etc/systemd/system", tmp_path / "opt"
    units.mkdir(parents=True)
    text = snippet(PAGE, "sh", 3)
    assert "/opt/tidegate" in text
    assert "/etc/systemd/system/" in text
    text = text.replace("/opt/", f"{opt}/").replace("/etc/systemd/system/", f"{units}/")
    text = text.replace("deploy/systemd", f"{ROOT}/deploy/systemd")
    make, install, *others = text.replace("python3 -m venv", f"{sys.executable} -m venv --without-pip").splitlines()
    shell(make, tmp_path)
    check_install(install)
    environment.install(opt / "tidegate", ["./tidegate"], build(ROOT, tmp_path / "built", "wheel"))
    shell("\n".join(others), tmp_path, programs=recorders(tmp_path, "systemctl"))
    (call,) = recorded(tmp_path)
    assert call[:3] == ["systemctl", "enable", "--now"]
    assert {path.name for path in units.iterdir()} >= set(call[3:])
    started = re.search(r"^ExecStart=/opt(/\S+)", (units / "tidegate.service").read_text(), re.MULTILINE)
    assert started is not None
    said = subprocess.run([f"{opt}{started[1]}", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("tidegate")


def test_each_install_of_the_chart_sets_what_it_has(tmp_path: Path) -> None:
    shell(snippet(PAGE, "sh", 4), tmp_path, programs=recorders(tmp_path, "helm"))
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    calls = recorded(tmp_path)
    assert len(calls) == 2
    for call in calls:
        assert call[:4] == ["helm", "install", "tasks", "deploy/helm/tidegate"]
        for before, word in pairwise(call):
            if before == "--set":
                path, _, value = word.partition("=")
                assert value
                assert type(at(values, path.split("."))) is str
        if (helm := shutil.which("helm")) is not None:
            command = [helm, "template", *call[2:]]
            subprocess.run(command, cwd=ROOT, env={**os.environ, "HOME": str(tmp_path)}, check=True, timeout=60)


def at(value: Any, path: list[str]) -> Any:
    for step in path:
        value = value[step]
    return value
