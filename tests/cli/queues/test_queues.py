"""``tidegate queues plan`` and ``apply`` on a running server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.cli.running import Result
from tests.cli.running import run as run_line
from tests.cli.serving import MAIL_AND_WORK, environment, served

PARENT = "projects/demo/locations/here"
HEAVY = ["apsw", "google.api_core", "google.protobuf", "grpc", "proto", "pyreqwest", "pyvoy", "rich"]

FILE = f"""
application: s~demo
{MAIL_AND_WORK}"""

CREATED = """\
~ mail (update)
    rateLimits.maxDispatchesPerSecond  500 -> 5
    rateLimits.maxBurstSize            100 -> 5
    retryConfig.maxAttempts            100 -> unlimited
    taskTtl                            2678400s -> 315360000s
    tombstoneTtl                       3600s -> 777600s
- own (disable)
    state  RUNNING -> DISABLED
+ work (create)
    type                     PULL
    state                    RUNNING
    retryConfig.maxAttempts  unlimited
    taskTtl                  315360000s
    tombstoneTtl             777600s
1 create, 1 update, 1 disable.
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for variable in ("TIDEGATE_ADDRESS", "TIDEGATE_PROJECT", "TIDEGATE_LOCATION", "CLOUD_TASKS_EMULATOR_HOST"):
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "queue.yaml").write_text(FILE)
    return tmp_path


@pytest.fixture
def server(directory: Path) -> Iterator[str]:
    """The address of a server that has two queues."""
    queues = ("--queue", f"{PARENT}/queues/mail", "--queue", f"{PARENT}/queues/own")
    with served("--store", "sqlite://:memory:", "--location", "here", *queues, directory=directory) as address:
        yield address


def run(*arguments: str, **variables: str) -> Result:
    return run_line("queues", *arguments, **variables)


def test_a_plan_shows_what_would_change_and_applying_does_it(server: str) -> None:
    here = ("queue.yaml", "--location", "here", "--address", server)
    planned = run("plan", *here)
    assert (planned.exit_code, planned.stdout, planned.stderr) == (0, CREATED, "")
    states = {each["name"]: each["state"] for each in httpx.get(f"http://{server}/v2/{PARENT}/queues").json()["queues"]}
    assert set(states.values()) == {"RUNNING"}

    applied = run("apply", *here)
    nothing = f"No changes: the queues of {PARENT} are as queue.yaml says.\n"
    assert (applied.exit_code, applied.stdout) == (0, CREATED + nothing)
    assert applied.stderr == f"Applied queue.yaml to {PARENT}.\n"
    assert run("plan", *here).stdout == nothing

    httpx.post(f"http://{server}/v2/{PARENT}/queues/mail:pause").raise_for_status()
    assert run("plan", *here).stdout == "~ mail (update)\n    state  PAUSED -> RUNNING\n1 update.\n"


def test_the_server_may_stand_in_the_environment(server: str, directory: Path) -> None:
    for variable in ("TIDEGATE_ADDRESS", "CLOUD_TASKS_EMULATOR_HOST"):
        assert run("plan", "queue.yaml", **{variable: server, "TIDEGATE_LOCATION": "here"}).stdout == CREATED


def test_an_upload_that_went_to_another_location_is_noticed(server: str) -> None:
    done = run("apply", "queue.yaml", "--location", "elsewhere", "--address", server)
    assert done.exit_code == 1
    assert "are not as queue.yaml says: if the server was started with another --location" in done.stderr


@pytest.mark.parametrize("command", ["plan", "apply"])
@pytest.mark.parametrize(
    ("file", "flags", "code", "text"),
    [
        (FILE, ("--address", "localhost:99999"), 2, "argument --address: 'localhost:99999' is not an address"),
        (FILE, ("--address", "127.0.0.1:1"), 3, "cannot reach http://127.0.0.1:1: Connection refused; start a server"),
        (None, (), 1, "cannot read queue.yaml: No such file or directory"),
        ("queue: [", (), 1, "queue.yaml: Invalid queue configuration. The file cannot be read as YAML: "),
        ("queue:\n- name: a\n  rate: x", (), 1, "rate of queue 'a' must be 0 or a number per s, m, h or d, such as"),
        ("queue: []", (), 1, "queue.yaml names no application; say with --project whose its queues are"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_a_code(
    directory: Path, command: str, file: str | None, flags: tuple[str, ...], code: int, text: str
) -> None:
    (directory / "queue.yaml").unlink()
    if file is not None:
        (directory / "queue.yaml").write_text(file)
    done = run(command, "queue.yaml", *flags)
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert done.stderr.startswith(f"ERROR: (tidegate.tasks.queues.{command}) ")
    assert text in done.stderr


def test_what_the_server_refuses_is_told_in_its_words(server: str, directory: Path) -> None:
    (directory / "queue.yaml").write_text(FILE.replace("mail", "other"))
    here = ("queue.yaml", "--location", "here", "--address", server)
    assert run("apply", *here).exit_code == 0
    httpx.delete(f"http://{server}/v2/{PARENT}/queues/other").raise_for_status()
    done = run("apply", *here)
    assert done.exit_code == 1
    assert done.stderr == (
        "ERROR: (tidegate.tasks.queues.apply) FAILED_PRECONDITION: Queue 'other' cannot be created because a queue with"
        " this name existed too recently.\n"
    )


def test_the_command_imports_nothing_that_is_slow(directory: Path) -> None:
    code = (
        "import contextlib, sys; from tidegate.cli import main\n"
        "with contextlib.suppress(SystemExit):\n"
        "    main(['queues', 'plan', 'queue.yaml', '--address', '127.0.0.1:1'])\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment(), cwd=directory
    )
    assert done.stdout == "[]\n"
