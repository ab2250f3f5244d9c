"""Which server, project and location a command means, and what it shows of itself there."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey
from tests.cli.running import run
from tests.cli.scripted import Scripted, scripted

PAUSE = ("queues", "pause", "mail")


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """A directory for contexts, as a variable."""
    return {"XDG_CONFIG_HOME": str(tmp_path)}


@pytest.fixture
def other() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


def contexts(home: dict[str, str]) -> Path:
    return Path(home["XDG_CONFIG_HOME"]) / "tidegate/contexts.toml"


def make(home: dict[str, str], name: str, *pairs: str) -> None:
    done = run("context", "set", name, *pairs, **home)
    assert done.exit_code == 0, done.stderr


def test_a_context_is_made_changed_chosen_and_deleted(home: dict[str, str]) -> None:
    make(home, "local", "address=http://127.0.0.1:1", "project=demo")
    make(home, "prod", "address=https://tasks.example.com", "credential_file=~/key.json", "location=here")
    assert stat.S_IMODE(contexts(home).stat().st_mode) == 0o600
    assert run("context", "list", **home).stdout == "* local  http://127.0.0.1:1\n  prod  https://tasks.example.com\n"
    assert run("context", "use", "prod", **home).exit_code == 0
    shown = json.loads(run("context", "show", "--format", "json", **home).stdout)
    assert shown == {
        "name": "prod",
        "address": "https://tasks.example.com",
        "credential_file": "~/key.json",
        "location": "here",
    }
    run("context", "unset", "prod", "location", **home)
    assert "location" not in run("context", "show", **home).stdout
    run("context", "delete", "prod", **home)
    assert [row["name"] for row in json.loads(run("context", "list", "--format", "json", **home).stdout)] == ["local"]
    assert run("context", "show", **home).exit_code == 1


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        (("use", "nope"), 1, "there is no context 'nope'; known are local"),
        (("set", "local", "colour=red"), 2, "'colour=red' must be KEY=VALUE with a key of address, project"),
        (("set", "local", "address"), 2, "'address' must be KEY=VALUE"),
        (("delete",), 2, "argument NAME: Must be specified."),
    ],
)
def test_what_is_no_context_is_told(line: tuple[str, ...], code: int, says: str, home: dict[str, str]) -> None:
    make(home, "local", "project=demo")
    done = run("context", *line, **home)
    assert done.exit_code == code
    assert says in done.stderr


def test_a_file_with_credentials_that_others_may_read_is_refused(home: dict[str, str], cloud: Scripted) -> None:
    make(home, "local", f"address={cloud.url}", "project=demo", "token_file=token")
    contexts(home).chmod(0o644)
    done = run(*PAUSE, "--location", "here", **home)
    assert (done.exit_code, done.stderr) == (
        1,
        f"ERROR: (tidegate.tasks.queues.pause) {contexts(home)} names credentials and others may read it: run chmod 600"
        f" {contexts(home)}\n",
    )
    assert cloud.taken() == []


def test_two_contexts_never_mix(home: dict[str, str], cloud: Scripted, other: Scripted) -> None:
    make(home, "one", f"address={cloud.url}", "project=p1", "location=l1")
    make(home, "two", f"address={other.url}", "project=p2", "location=l2")
    run(*PAUSE, **home)
    run(*PAUSE, "--context", "two", **home)
    run(*PAUSE, TIDEGATE_CONTEXT="two", **home)
    run("context", "use", "two", **home)
    run(*PAUSE, **home)
    run(*PAUSE, "--context", "one", TIDEGATE_CONTEXT="two", **home)
    assert [request.path for request in cloud.taken()] == ["/v2/projects/p1/locations/l1/queues/mail:pause"] * 2
    assert [request.path for request in other.taken()] == ["/v2/projects/p2/locations/l2/queues/mail:pause"] * 3


@pytest.mark.parametrize(
    ("flags", "variables", "project", "location"),
    [
        (("--project", "f", "--location", "g"), {"TIDEGATE_PROJECT": "v", "TIDEGATE_LOCATION": "w"}, "f", "g"),
        ((), {"TIDEGATE_PROJECT": "v", "TIDEGATE_LOCATION": "w", "CLOUDSDK_CORE_PROJECT": "x"}, "v", "w"),
        ((), {"CLOUDSDK_CORE_PROJECT": "x", "GOOGLE_CLOUD_PROJECT": "y"}, "x", "l"),
        ((), {"GOOGLE_CLOUD_PROJECT": "y"}, "y", "l"),
        ((), {}, "p", "l"),
    ],
)
def test_flags_win_over_variables_and_these_over_the_context(
    flags: tuple[str, ...],
    variables: dict[str, str],
    project: str,
    location: str,
    home: dict[str, str],
    cloud: Scripted,
) -> None:
    make(home, "local", f"address={cloud.url}", "project=p", "location=l")
    assert run(*PAUSE, *flags, **home, **variables).exit_code == 0
    assert cloud.taken()[0].path == f"/v2/projects/{project}/locations/{location}/queues/mail:pause"


def test_the_address_may_stand_in_the_variable_of_emulators(cloud: Scripted) -> None:
    address = cloud.url.removeprefix("http://")
    done = run(*PAUSE, "--project", "p", "--location", "l", CLOUD_TASKS_EMULATOR_HOST=address)
    assert (done.exit_code, len(cloud.taken())) == (0, 1)


def test_a_project_that_nobody_says_is_told_with_its_cure(cloud: Scripted) -> None:
    done = run(*PAUSE, "--address", cloud.url)
    assert done.exit_code == 1
    assert done.stderr.startswith(
        "ERROR: (tidegate.tasks.queues.pause) The required property [project] is not currently set.\nIt may be set with"
    )
    assert "tidegate context set NAME project=PROJECT_ID" in done.stderr


def test_without_a_server_there_is_one_line_and_exit_code_3() -> None:
    done = run(*PAUSE, "--project", "p", "--location", "l", "--address", "127.0.0.1:1")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr == (
        "ERROR: (tidegate.tasks.queues.pause) cannot reach http://127.0.0.1:1: Connection refused; start a server with"
        " 'tidegate dev' or 'tidegate serve', or say with --address where one answers\n"
    )


def test_what_is_no_address_is_a_wrong_line() -> None:
    done = run(*PAUSE, "--address", "localhost:99999")
    assert done.exit_code == 2
    assert "argument --address: 'localhost:99999' is not an address" in done.stderr


def test_a_token_may_come_from_a_file(tmp_path: Path, cloud: Scripted) -> None:
    (tmp_path / "token").write_text("abc\n")
    line = (*PAUSE, "--project", "p", "--location", "l", "--address", cloud.url)
    run(*line, "--access-token-file", str(tmp_path / "token"), TIDEGATE_TOKEN="no")
    assert cloud.taken()[0].headers["authorization"] == "Bearer abc"
    missing = run(*line, "--access-token-file", str(tmp_path / "none"))
    assert (missing.exit_code, cloud.taken()) == (1, [])


def test_a_service_account_signs_its_token_itself(tmp_path: Path, cloud: Scripted) -> None:
    key = RSAKey.generate_key(2048)
    account = {"client_email": "a@p.iam", "private_key_id": "k1", "private_key": key.as_pem(private=True).decode()}
    file = tmp_path / "key.json"
    file.write_text(json.dumps(account))
    line = (*PAUSE, "--project", "p", "--location", "l", "--address", cloud.url)
    run(*line, GOOGLE_APPLICATION_CREDENTIALS=str(file))
    assert "authorization" not in cloud.taken()[0].headers  # never sent in the open, unless it was said
    assert run(*line, "--credential-file", str(file)).exit_code == 0
    token = jwt.decode(cloud.taken()[0].headers["authorization"].removeprefix("Bearer "), key)
    assert token.header["kid"] == "k1"
    assert token.claims["iss"] == token.claims["sub"] == "a@p.iam"
    assert token.claims["aud"] == "https://cloudtasks.googleapis.com/"
    assert token.claims["exp"] - token.claims["iat"] == 3600
