"""What holds of every command that calls a server: what it imports, where it calls, and what it says without one."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import run
from tests.cli.scripted import Scripted, scripted
from tests.cli.serving import environment

from tidegate.cli.table.find import commands
from tidegate.cli.table.rows import TRACKS, Command

HEAVY = ("grpc", "google", "proto", "apsw", "h2corn", "uvloop", "rich", "httpx", "jinja2")
"""Packages that take long to import. joserfc, to sign in with a key file, is read only then."""

IN_PROCESS = ("bench", "tail")
"""Commands that measure with a client of gRPC, and that go on until they are stopped."""

CALLING = [
    (track.name, command)
    for track in TRACKS.values()
    for command in commands(track).values()
    if not command.local and "policy.json" not in command.example
]

EXPORTED = '{"task": {"name": "projects/p/locations/l/queues/q/tasks/t"}}\n{"trailer": {}}\n'
PROGRAM = """
import contextlib, io, json, sys
from tidegate.cli import main
codes = {}
for line in json.load(sys.stdin):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main(line)
        except SystemExit as ended:
            codes[" ".join(line)] = ended.code
print(json.dumps([codes, [name for name in sys.argv[1:] if name in sys.modules]]))
"""


def words(track: str, command: Command) -> list[str]:
    """The command's example, in a track."""
    typed = shlex.split(command.example)[1:]
    return [*([track] if track and typed[0] != track else []), *typed, "--quiet"]


def name(value: object) -> str:
    return value.words if isinstance(value, Command) else str(value or "ga")


def test_no_command_imports_what_is_slow(cloud: Scripted, tmp_path: Path) -> None:
    cloud.locations = ["here"]
    lines = [words(track, command) for track, command in CALLING if command.words not in IN_PROCESS]
    variables = {"TIDEGATE_ADDRESS": cloud.url, "TIDEGATE_PROJECT": "demo", "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *HEAVY],
        input=json.dumps(lines),
        env=environment(variables),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    codes, imported = json.loads(done.stdout)
    assert len(codes) > 60
    assert set(codes.values()) <= {0, 1}
    assert imported == []


@pytest.mark.parametrize(("track", "command"), CALLING, ids=name)
def test_without_a_server_it_is_one_line_and_exit_code_3(
    track: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if command.words in {"doctor", "env"}:
        return  # one says what is wrong, line by line; the other asks nobody
    monkeypatch.chdir(tmp_path)
    Path("queue.yaml").write_text("queue: []")
    Path("state.jsonl").write_text(EXPORTED)
    line = [word for word in words(track, command) if word not in {"--dry-run", "--plan"}]
    if command.words == "import-gcp":
        line += ["--from-address", "127.0.0.1:1"]
    here = {"TIDEGATE_ADDRESS": "127.0.0.1:1", "TIDEGATE_PROJECT": "demo", "TIDEGATE_LOCATION": "here"}
    done = run(*line, **here)
    told = [text for text in done.stderr.splitlines() if not text.startswith("WARNING")]
    assert (done.exit_code, done.stdout, len(told)) == (3, "", 1), done.stderr
    assert "cannot reach http" in told[0]


@pytest.fixture(scope="module")
def two() -> Iterator[tuple[Scripted, Scripted]]:
    with scripted() as one, scripted() as other:
        one.locations, other.locations = ["l1"], ["l2"]
        yield one, other


@pytest.mark.parametrize(("track", "command"), [each for each in CALLING if each[1].call], ids=name)
def test_each_call_goes_to_the_server_of_its_context(
    track: str, command: Command, two: tuple[Scripted, Scripted], tmp_path: Path
) -> None:
    home = {"XDG_CONFIG_HOME": str(tmp_path)}
    for number, server in enumerate(two, 1):
        pairs = (f"address={server.url}", f"project=p{number}", f"location=l{number}")
        assert run("context", "set", f"c{number}", *pairs, **home).exit_code == 0
    for chosen, other in ((0, 1), (1, 0)):
        run(*words(track, command), "--context", f"c{chosen + 1}", **home)
        taken = two[chosen].taken()
        assert taken
        assert two[other].taken() == []
        stranger = f"p{other + 1}", f"l{other + 1}"
        assert not any(part in stranger for request in taken for part in request.path.split("/"))
