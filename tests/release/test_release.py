"""A release is what its version, its changelog and its files say it is; its workflows have no holes."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from tests.dependencies.building import build, files_of, needed
from tests.endtoend.cache import CACHE, alone_with
from tests.endtoend.official_programs import tool

import tidegate
from release import checks, files

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTIONLINT = "github.com/rhysd/actionlint/cmd/actionlint@v1.7.7"

GOOD = """\
# Changelog

## Unreleased

## 1.2.3 - 2026-12-01

### Added

- A thing.

## 1.2.2 - 2026-11-01

- Old.
"""


def test_a_changelog_with_the_section_of_its_version_is_good() -> None:
    assert list(checks.of_changelog(GOOD, "1.2.3")) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("## Unreleased\n", "## Unreleased\n\n- Not yet.\n"), "below Unreleased belongs below 1.2.3"),
        (GOOD.replace("1.2.3 - 2026-12-01", "1.2.3"), "is '1.2.3', not '1.2.3 - YYYY-MM-DD'"),
        (GOOD.replace("1.2.3", "1.3.0"), "is '1.3.0 - 2026-12-01', not '1.2.3 - YYYY-MM-DD'"),
        (GOOD.replace("- A thing.\n", ""), "nothing is said of 1.2.3"),
        (GOOD.replace("## Unreleased\n\n", ""), "the first section is not Unreleased"),
        ("# Changelog\n\n## Unreleased\n", "is '', not '1.2.3 - YYYY-MM-DD'"),
    ],
)
def test_a_changelog_that_is_not_ready_is_told_in_a_line(text: str, says: str) -> None:
    (line,) = checks.of_changelog(text, "1.2.3")
    assert says in line


def test_a_version_is_three_numbers() -> None:
    assert list(checks.of_version(tidegate.__version__)) == []
    assert len(list(checks.of_version("1.2.3.dev0"))) == 1


def test_a_chart_of_another_version_is_told_with_what_is_to_be_done() -> None:
    assert list(checks.of_chart('name: tidegate\nversion: 1.2.3\nappVersion: "1.2.3"\n', "1.2.3")) == []
    old, missing = checks.of_chart("version: 1.2.2\n", "1.2.3")
    assert old == "deploy/helm/tidegate/Chart.yaml: version is '1.2.2', not '1.2.3'; set it, and run make charts"
    assert "appVersion is None" in missing
    chart = (ROOT / "deploy/helm/tidegate/Chart.yaml").read_text()
    assert list(checks.of_chart(chart, tidegate.__version__)) == []


def test_a_release_is_of_what_is_committed_and_of_no_version_that_there_is(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        known = ("-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *known, *arguments], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    (tmp_path / "file").write_text("1")
    assert list(checks.of_repository(tmp_path, "1.0.0")) == ["git: something is not committed"]
    git("add", ".")
    git("commit", "-m", "One")
    git("tag", "v1.0.0")
    assert list(checks.of_repository(tmp_path, "1.0.0")) == []
    git("commit", "--allow-empty", "-m", "Two")
    assert list(checks.of_repository(tmp_path, "1.0.0")) == ["git: v1.0.0 is another commit; choose the next version"]


@pytest.mark.skipif(sys.platform == "win32", reason="the programs of an environment are elsewhere there")
def test_the_wheel_starts_in_a_fresh_environment_and_says_its_version(tmp_path: Path) -> None:
    wheel = build(ROOT, tmp_path, "wheel")
    with files.fresh(wheel, install_offline) as command:
        assert files.version_of(command) == tidegate.__version__
        assert files.serves(command) == ""


def install_offline(python: Path, wheel: Path) -> None:
    """As a release does, but from the packages that are here."""
    subprocess.run([python, "-m", "pip", "--quiet", "install", "--no-deps", "--no-index", wheel], check=True)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(python.parents[1])}))
    for found in needed():
        for file in files_of(found):
            if not (site / file).exists():
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                (site / file).symlink_to(str(file.locate()))


def test_there_are_workflows_for_tests_wheels_image_and_site() -> None:
    assert [file.stem for file in WORKFLOWS] == ["image", "site", "tests", "wheels"]


def test_zizmor_finds_no_hole_in_the_workflows() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    command: list[str | Path] = [zizmor, "--offline", "--persona", "pedantic", ROOT / ".github"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout + done.stderr


def test_actionlint_finds_no_mistake_in_the_workflows() -> None:
    go = tool("go")
    with alone_with(CACHE / "actionlint-1.7.7") as place:
        if not (place / "actionlint").exists():
            subprocess.run([go, "install", ACTIONLINT], env=go_environment(place), check=True, timeout=280)
    done = subprocess.run([place / "actionlint", *WORKFLOWS], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def go_environment(place: Path) -> dict[str, str]:
    return {**os.environ, "GOBIN": str(place), "GOFLAGS": "-mod=mod"}


def test_workflows_run_only_what_the_makefile_has() -> None:
    targets = {line.partition(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if ":" in line}
    for file in WORKFLOWS:
        for job in yaml.safe_load(file.read_text())["jobs"].values():
            for step in job["steps"]:
                words = step.get("run", "").split()
                assert all(target in targets for before, target in pairwise(words) if before == "make")


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_each_step_of_a_workflow_is_a_script_that_the_shell_reads(file: Path) -> None:
    steps = [step for job in yaml.safe_load(file.read_text())["jobs"].values() for step in job["steps"]]
    scripts = [step["run"] for step in steps if "run" in step]
    assert scripts
    for script in scripts:
        assert "${{" not in script  # what others write would become part of it
        done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, ""), script


def test_files_that_the_workflows_name_are_made_by_what_they_run() -> None:
    said = {file.stem: file.read_text() for file in WORKFLOWS}
    assert "build/sbom.cdx.json" in said["wheels"]
    makefile = (ROOT / "Makefile").read_text()
    assert "tests.dependencies.sbom build/sbom.cdx.json" in makefile
    assert "path: build/site" in said["site"]
    assert "build/site" in makefile
    assert (ROOT / "requirements.lock").exists() == ("--requirement requirements.lock" in said["tests"])
