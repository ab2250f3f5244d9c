"""``tidegate iam`` on a server that checks who calls: accounts, keys, policies, tokens, and who may what."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.running import Result, run
from tests.cli.serving import served

ADMIN, BOB = "user:ann@example.com", "user:bob@example.com"
QUEUE = "projects/shop/locations/here/queues/mail"
EMAIL = "mailer@shop.iam.gserviceaccount.com"
CREATE = ("tasks", "create-http-task", "--queue", QUEUE, "--url", "http://127.0.0.1:9/")


class Asked:
    """Command lines to one server; without ``by`` they are the admin's."""

    def __init__(self, address: str, folder: Path, token: str) -> None:
        self.folder = folder
        self._address = address
        self._token = token

    def __call__(self, *words: str, by: str | None = None, stdin: str = "") -> Result:
        variables = {"TIDEGATE_ADDRESS": self._address, "TIDEGATE_TOKEN": by or self._token}
        return run(*words, stdin=stdin, TIDEGATE_PROJECT="shop", TIDEGATE_LOCATION="here", **variables)

    def signed_by(self, key_file: Path, *words: str) -> Result:
        """The same, signed in with a key file."""
        line = (*words, "--credential-file", str(key_file))
        return run(*line, TIDEGATE_ADDRESS=self._address, TIDEGATE_PROJECT="shop", TIDEGATE_LOCATION="here")


def token(folder: Path, member: str) -> str:
    """A new static token, whose line is added to the server's file."""
    done = run("iam", "tokens", "create", member, "--file", str(folder / "tokens.txt"), "--note", "for tests")
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path, str, str]]:
    folder = tmp_path_factory.mktemp("server")
    own, bobs = token(folder, ADMIN), token(folder, BOB)
    flags = ("--access", "--admin", ADMIN, "--tokens", "tokens.txt", "--store", "sqlite://:memory:", "--queue", QUEUE)
    with served(*flags, directory=folder) as address:
        yield address, folder, own, bobs


@pytest.fixture
def asked(server: tuple[str, Path, str, str], tmp_path: Path) -> Iterator[Asked]:
    asked = Asked(server[0], tmp_path, server[2])
    yield asked
    asked("iam", "service-accounts", "delete", EMAIL, "--quiet")


def good(done: Result) -> str:
    assert done.exit_code == 0, done.stderr
    return done.stdout


def account_with_key(asked: Asked) -> Path:
    good(asked("iam", "service-accounts", "create", "mailer", "--display-name", "Mailer"))
    file = asked.folder / "mailer.json"
    good(asked("iam", "service-accounts", "keys", "create", str(file), "--iam-account", EMAIL))
    return file


def test_the_file_of_tokens_is_its_owner_s_and_has_no_token(server: tuple[str, Path, str, str]) -> None:
    file = server[1] / "tokens.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    assert text.count("\n") == 2
    assert server[2] not in text
    assert f"{ADMIN} sha256:" in text
    assert text.endswith("# for tests\n")


def test_an_account_is_made_shown_changed_and_deleted(asked: Asked) -> None:
    done = asked("iam", "service-accounts", "create", "mailer", "--display-name", "Mailer")
    assert (done.exit_code, done.stderr) == (0, f"Created service account [{EMAIL}].\n")
    assert good(asked("iam", "service-accounts", "list")) == f"DISPLAY_NAME  EMAIL\nMailer        {EMAIL}\n"
    done = asked("iam", "service-accounts", "update", EMAIL, "--display-name", "", "--description", "sends")
    assert (done.exit_code, done.stderr) == (0, f"Updated service account [{EMAIL}].\n")
    shown = json.loads(good(asked("iam", "service-accounts", "describe", EMAIL, "--format", "json")))
    assert (shown.get("displayName", ""), shown["description"], shown["email"]) == ("", "sends", EMAIL)
    assert asked("iam", "service-accounts", "update", EMAIL).exit_code == 1
    assert asked("iam", "service-accounts", "keys", "list", "--iam-account", EMAIL).stderr == "Listed 0 items.\n"
    refused = asked("iam", "service-accounts", "delete", EMAIL)  # the end of the input is a no
    assert refused.exit_code == 1
    assert refused.stderr.endswith("Aborted by user.\n")
    good(asked("iam", "service-accounts", "delete", EMAIL, stdin="y\n"))
    assert "NOT_FOUND" in asked("iam", "service-accounts", "describe", EMAIL).stderr


def test_a_key_file_signs_in_until_its_key_is_deleted(asked: Asked) -> None:
    file = account_with_key(asked)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = json.loads(file.read_text())["private_key_id"]
    again = asked("iam", "service-accounts", "keys", "create", str(file), "--iam-account", EMAIL)
    assert again.exit_code == 1
    assert "name a file that is not there yet" in again.stderr
    assert key in good(asked("iam", "service-accounts", "keys", "list", "--iam-account", EMAIL))
    denied = asked.signed_by(file, *CREATE)
    assert denied.exit_code == 1
    assert (
        'PERMISSION_DENIED: The principal (user or service account) lacks IAM permission "cloudtasks' in denied.stderr
    )
    binding = (QUEUE, "--member", f"serviceAccount:{EMAIL}", "--role", "roles/cloudtasks.enqueuer")
    good(asked("iam", "policies", "add", *binding))
    good(asked.signed_by(file, *CREATE))
    good(asked("iam", "policies", "remove", *binding))
    assert asked("iam", "policies", "remove", *binding).exit_code == 1
    assert asked.signed_by(file, *CREATE).exit_code == 1
    good(asked("iam", "policies", "add", *binding))
    good(asked("iam", "service-accounts", "keys", "delete", key, "--iam-account", EMAIL, "--quiet"))
    assert "UNAUTHENTICATED" in asked.signed_by(file, *CREATE).stderr
    good(asked("iam", "policies", "remove", *binding))


@pytest.mark.parametrize("resource", ["server", "projects/shop", QUEUE, EMAIL])
def test_policies_of_every_kind_of_resource_are_changed(resource: str, asked: Asked) -> None:
    account_with_key(asked)
    for role in ("roles/viewer", "roles/cloudtasks.viewer"):
        good(asked("iam", "policies", "add", resource, "--member", BOB, "--role", role))
    shown = json.loads(good(asked("iam", "policies", "get", resource, "--format", "json")))
    assert [(each["role"], each["members"]) for each in shown["bindings"]] == [
        ("roles/cloudtasks.viewer", [BOB]),
        ("roles/viewer", [BOB]),
    ]
    for role in ("roles/viewer", "roles/cloudtasks.viewer"):
        done = asked("iam", "policies", "remove", resource, "--member", BOB, "--role", role)
        assert (done.exit_code, done.stderr) == (0, f"Updated IAM policy for [{resource}].\n")
    assert "bindings" not in json.loads(good(asked("iam", "policies", "get", resource, "--format", "json")))


def test_whoami_and_explain_say_who_may_what_and_why(asked: Asked, server: tuple[str, Path, str, str]) -> None:
    bob = server[3]
    assert json.loads(good(asked("iam", "whoami", "--format", "json", by=bob)))["member"] == BOB
    assert "UNAUTHENTICATED" in asked("iam", "whoami", by="wrong").stderr
    question = ("iam", "explain", "cloudtasks.tasks.create", QUEUE)
    said = good(asked(*question, by=bob))
    assert said.startswith(f"{BOB} lacks cloudtasks.tasks.create on {QUEUE}.\n  These roles would give it: ")
    assert "roles/cloudtasks.enqueuer" in said
    assert "PERMISSION_DENIED" in asked(*question, "--member", ADMIN, by=bob).stderr
    good(asked("iam", "policies", "add", "projects/shop", "--member", BOB, "--role", "roles/cloudtasks.enqueuer"))
    allowed = (
        f"{BOB} has cloudtasks.tasks.create on {QUEUE}:\n  by roles/cloudtasks.enqueuer for {BOB} on projects/shop\n"
    )
    assert good(asked(*question, by=bob)) == good(asked(*question, "--member", BOB)) == allowed
    good(asked("iam", "policies", "remove", "projects/shop", "--member", BOB, "--role", "roles/cloudtasks.enqueuer"))
