"""Service accounts and their keys."""

from __future__ import annotations

import os
from base64 import b64decode
from pathlib import Path
from typing import Any

from tidegate.cli.line import Line
from tidegate.cli.output.printing import show, table
from tidegate.cli.problems import CommandError
from tidegate.cli.run.session import Session

PAGE = 100


def show_all(session: Session) -> None:
    path = f"/v1/projects/{session.place.project()}/serviceAccounts"
    found: list[Any] = []
    token = ""
    while True:
        page = session.server.call("GET", path, {"pageSize": PAGE, **({"pageToken": token} if token else {})})
        found += page.get("accounts", [])
        token = page.get("nextPageToken", "")
        if not token:
            break
    show_list(session, found)


def create(session: Session) -> None:
    body = {"accountId": session.line.words["ACCOUNT_ID"], "serviceAccount": _texts(session.line)}
    account = session.server.call("POST", f"/v1/projects/{session.place.project()}/serviceAccounts", None, body)
    session.say(f"Created service account [{account['email']}].")
    session.answer(account)


def update(session: Session) -> None:
    texts = _texts(session.line)
    if not texts:
        raise CommandError("Specify at least one of --display-name and --description.")
    body = {"serviceAccount": texts, "updateMask": ",".join(texts)}
    account = session.server.call("PATCH", account_path(session.line.words["EMAIL"]), None, body)
    session.say(f"Updated service account [{account['email']}].")
    session.answer(account)


def _texts(line: Line) -> dict[str, str]:
    """The texts of an account that the line says, an empty one too."""
    said = {"displayName": line.value("--display-name"), "description": line.value("--description")}
    return {name: text for name, text in said.items() if text is not None}


def describe(session: Session) -> None:
    session.answer(session.server.call("GET", account_path(session.line.words["EMAIL"])))


def delete(session: Session) -> None:
    email = session.line.words["EMAIL"]
    session.confirm(f"You are about to delete service account [{email}]")
    session.server.call("DELETE", account_path(email))
    session.say(f"Deleted service account [{email}].")


def create_key(session: Session) -> None:
    file, email = Path(session.line.words["FILE"]).expanduser(), session.line.value("--iam-account")
    try:
        target = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandError(f"cannot write {file}: {error.strerror}; name a file that is not there yet") from None
    try:
        key = session.server.call("POST", f"{account_path(email)}/keys", None, {})
        with open(target, "wb") as written:  # noqa: PTH123 - a descriptor, so that nobody else could read it
            written.write(b64decode(key["privateKeyData"]))
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    session.say(f"Created key [{key['name'].rpartition('/')[2]}] as [{file}] for [{email}].")


def show_keys(session: Session) -> None:
    found = session.server.call("GET", f"{account_path(session.line.value('--iam-account'))}/keys")
    show_list(session, found.get("keys", []))


def delete_key(session: Session) -> None:
    key, email = session.line.words["KEY_ID"], session.line.value("--iam-account")
    session.confirm(f"You are about to delete key [{key}] of [{email}]")
    session.server.call("DELETE", f"{account_path(email)}/keys/{key}")
    session.say(f"Deleted key [{key}] of [{email}].")


def show_list(session: Session, records: list[Any]) -> None:
    """Print records as the table of the command, or as ``--format`` wants them."""
    columns = session.line.command.columns
    if session.format is not None:
        show(records, session.format, columns)
        return
    table(records, columns)
    if not records:
        session.say("Listed 0 items.")


def account_path(email: str) -> str:
    return f"/v1/projects/-/serviceAccounts/{email}"
