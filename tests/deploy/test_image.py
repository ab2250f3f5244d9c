"""The image: its Dockerfile is sound, and its steps, taken as plain shell, make a server that runs as it says.

No engine is needed. The long form takes every step and weighs the result: ``make image-steps``.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.cli.serving import environment, served
from tests.dependencies.locks import ROOT

DOCKERFILE = ROOT / "Dockerfile"
WEIGHT_MAX = 150_000_000
PLACE = "/image"
"""Where the build stage makes the image's file system."""

steps_taken = pytest.mark.skipif("IMAGE" not in os.environ, reason="takes minutes: make image-steps")


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile, and what it says."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(), flags=re.MULTILINE).replace("\\\n", "")
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1].strip()) for line in text.splitlines() if line.strip()]


def said(word: str) -> str:
    """The last of an instruction."""
    return [text for name, text in instructions() if name == word][-1]


def test_the_linter_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([linter, DOCKERFILE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_nobody_with_the_server_as_its_first_process() -> None:
    assert said("USER") == "65532:65532"
    assert said("STOPSIGNAL") == "SIGTERM"
    assert said("ENTRYPOINT") == '["/usr/local/bin/tidegate"]'  # no shell between the engine's signal and the server
    assert [text for name, text in instructions() if name == "FROM"][-1] == "scratch"


def test_what_it_copies_is_there_and_let_through_to_the_engine() -> None:
    let_through = (ROOT / ".dockerignore").read_text().splitlines()
    sources = [
        each
        for name, text in instructions()
        if name == "COPY" and not text.startswith("--from")
        for each in text.split()[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}" in let_through


def test_every_script_is_a_plain_shell_script_that_stops_at_the_first_fault() -> None:
    for script in sorted((ROOT / "deploy/image").glob("*.sh")):
        assert "\nset -eu\n" in script.read_text()
        subprocess.run(["sh", "-n", script], check=True)


def test_its_health_check_says_whether_a_server_answers(tmp_path: Path) -> None:
    with served("--store", "sqlite://:memory:", directory=tmp_path) as address:
        assert health(address.rpartition(":")[2]) == (0, "")
    code, text = health(address.rpartition(":")[2])
    assert code == 1
    assert "does not answer on port" in text


def health(port: str) -> tuple[int, str]:
    command = [sys.executable, str(ROOT / "deploy/image/healthy.py")]
    done = subprocess.run(
        command, env=environment({"TIDEGATE_PORT": port}), capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stderr


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file system that the steps of the build stage make."""
    if os.getuid() != 0 or sys.version_info[:2] != (3, 11) or shutil.which("apt-get") is None:
        pytest.skip("the steps ask for root on Debian, with the Python of the image")
    home = tmp_path_factory.mktemp("steps")
    source, place = home / "source", home / "image"
    source.mkdir()
    for name, text in instructions():
        if name == "COPY" and not text.startswith("--from"):
            *sources, target = text.split()
            for each in sources:
                copy(ROOT / each, source / target if target.endswith(each) else source / target / each)
        elif name == "RUN":
            command = re.sub(rf"(?<![\w/]){PLACE}\b", str(place), text)
            command = re.sub(r"(?<![\w/])/build\b", str(home / "build"), command)
            command = command.replace("python3 -m venv", f"{sys.executable} -m venv")
            subprocess.run(["sh", "-euc", command], cwd=source, check=True)
    return place


def copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


@steps_taken
def test_it_weighs_less_than_150_mb(image: Path) -> None:
    weight = int(subprocess.check_output(["du", "-sb", image]).split()[0])
    print(f"{weight / 1e6:.1f} MB")
    assert weight < WEIGHT_MAX


@steps_taken
def test_it_serves_as_nobody_writes_only_its_data_and_stops_at_sigterm(image: Path) -> None:
    before = files(image)
    with container(image, "serve", "--port", "0", "--queue", "projects/p/locations/l/queues/q") as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip().removeprefix("listening on ").replace("0.0.0.0", "127.0.0.1")
        with urlopen(f"{url}/v2/projects/p/locations/l/queues/q", timeout=30) as answer:
            assert answer.status == 200
        assert process.pid
        status = Path(f"/proc/{child(process.pid)}/status").read_text()
        assert re.search(r"^Uid:\s+65532\s+65532\s+65532\s+65532$", status, re.MULTILINE)
        port = url.rpartition(":")[2]
        with container(image, program="/usr/local/bin/healthy", TIDEGATE_PORT=port) as check:
            assert check.wait(60) == 0
        os.kill(child(process.pid), signal.SIGTERM)
        assert process.wait(60) == 0
    made = files(image) - before
    assert made
    assert {path.parts[0] for path in made} == {"data"}


@steps_taken
@pytest.mark.parametrize("command", ["check", "config", "version", "queues --help", "doctor --help"])
def test_its_commands_work_without_what_was_left_out(image: Path, command: str) -> None:
    with container(image, *shlex.split(command)) as process:
        assert process.wait(60) == 0


@steps_taken
def test_what_was_left_out_is_said_in_one_line(image: Path) -> None:
    with container(image, "demo") as process:
        assert process.wait(60) == 1
        assert process.stderr is not None
        assert process.stderr.read() == "this needs grpc, which is not installed here: pip install tidegate\n"


@contextmanager
def container(
    image: Path, *arguments: str, program: str = "/usr/local/bin/tidegate", **variables: str
) -> Iterator[subprocess.Popen[str]]:
    """A program of the image as its user, with its environment, in its file system, as the first of its processes."""
    values = dict(re.findall(r"(\w+)=(\S+)", said("ENV"))) | variables
    inside = ["chroot", "--userspec=65532:65532", str(image), program, *arguments]
    command = ["unshare", "--pid", "--fork", "--kill-child", *inside]
    with subprocess.Popen(
        command, env=values | {"PATH": os.environ["PATH"]}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def child(pid: int) -> int:
    """The only child of a process."""
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if found:
            return int(found[0])
    raise AssertionError(f"process {pid} has no child")


def files(place: Path) -> set[Path]:
    return {path.relative_to(place) for path in place.rglob("*") if not path.is_dir()}
