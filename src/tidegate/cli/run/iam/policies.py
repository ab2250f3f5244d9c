"""Policies of any resource: read, changed, written with the etag that was read."""

from __future__ import annotations

from typing import Any

from tidegate.cli.problems import CommandError
from tidegate.cli.run.iam.accounts import account_path
from tidegate.cli.run.session import Session


def show(session: Session) -> None:
    session.answer(_get(session))


def add(session: Session) -> None:
    policy, role, member = _get(session), session.line.value("--role"), session.line.value("--member")
    bindings: list[Any] = policy.setdefault("bindings", [])
    binding = next((each for each in bindings if each["role"] == role and "condition" not in each), None)
    if binding is None:
        binding = {"role": role, "members": []}
        bindings.append(binding)
    if member not in binding["members"]:
        binding["members"].append(member)
    _set(session, policy)


def remove(session: Session) -> None:
    policy, role, member = _get(session), session.line.value("--role"), session.line.value("--member")
    found = [each for each in policy.get("bindings", []) if each["role"] == role and member in each["members"]]
    if not found:
        raise CommandError("Policy binding with the specified principal and role not found!")
    for binding in found:
        binding["members"].remove(member)
    _set(session, policy)


def _get(session: Session) -> Any:
    body = {"options": {"requestedPolicyVersion": 3}}
    return session.server.call("POST", f"{_path(session)}:getIamPolicy", None, body)


def _set(session: Session, policy: Any) -> None:
    answered = session.server.call("POST", f"{_path(session)}:setIamPolicy", None, {"policy": policy})
    session.say(f"Updated IAM policy for [{session.line.words['RESOURCE']}].")
    session.answer(answered)


def _path(session: Session) -> str:
    resource = session.line.words["RESOURCE"]
    if "@" in resource and "/" not in resource:
        return account_path(resource)
    return f"/v2/{resource}" if "/queues/" in resource else f"/v1/{resource}"
