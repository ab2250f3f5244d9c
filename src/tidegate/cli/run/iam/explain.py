"""Who calls, and why something is allowed or not."""

from __future__ import annotations

from typing import Any

from tidegate.cli.run.session import Session


def whoami(session: Session) -> None:
    said = session.server.call("GET", "/v1/server:whoAmI")
    if session.format is None and not said.get("member"):
        session.say("The server asks nobody who they are: access is off.")
        return
    session.answer(said)


def explain(session: Session) -> None:
    line = session.line
    query: dict[str, Any] = {"permission": line.words["PERMISSION"], "resource": line.words["RESOURCE"]}
    if line.value("--member"):
        query["member"] = line.value("--member")
    said = session.server.call("GET", "/v1/server:explainAccess", query)
    if session.format is not None:
        session.answer(said)
        return
    member, permission = said.get("member", ""), line.words["PERMISSION"]
    if said.get("allowed"):
        print(f"{member} has {permission} on {line.words['RESOURCE']}:")
        for binding in said["bindings"]:
            print(f"  by {binding['role']} for {binding['member']} on {binding['resource']}")
        return
    print(f"{member} lacks {permission} on {line.words['RESOURCE']}.")
    print(f"  These roles would give it: {', '.join(said.get('roles', []))}")
    print(f"  in a policy of {' or '.join(said.get('resources', []))}")
