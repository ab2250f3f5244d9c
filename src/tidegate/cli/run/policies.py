"""The commands that change the policy of a queue."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tidegate.cli.line import Line
from tidegate.cli.problems import CommandError
from tidegate.cli.run.session import Session

Bindings = list[dict[str, Any]]

BASIC_ROLES = ("roles/editor", "roles/owner", "roles/viewer")
NO_ETAG = (
    'The specified policy does not contain an "etag" field identifying a specific version to replace. \n'
    'Changing a policy without an "etag" can overwrite concurrent policy changes.\n\nReplace existing policy'
)


def replace(session: Session) -> None:
    """``set-iam-policy``: the policy of a file in place of the queue's."""
    policy = _policy(session.line.words["POLICY_FILE"])
    if "etag" not in policy:
        session.ask(NO_ETAG)
    _set(session, policy)


def add(session: Session) -> None:
    """``add-iam-policy-binding``."""
    line = session.line
    if line.value("--role") in BASIC_ROLES and _condition(line):
        known = "`{}`, `{}`, and `{}`".format(*BASIC_ROLES)
        raise CommandError(f"Binding with a condition and a basic role is not allowed. Basic roles are {known}.")

    def added(bindings: Bindings) -> None:
        binding = next(iter(_found(bindings, line)), None)
        if binding is None:
            binding = {"role": line.value("--role"), "members": []}
            if condition := _condition(line):
                binding["condition"] = condition
            bindings.append(binding)
        if line.value("--member") not in binding["members"]:
            binding["members"].append(line.value("--member"))

    _change(session, added)


def remove(session: Session) -> None:
    """``remove-iam-policy-binding``."""
    line = session.line

    def removed(bindings: Bindings) -> None:
        member = line.value("--member")
        found = [each for each in _found(bindings, line) if member in each["members"]]
        if not found:
            raise CommandError("Policy binding with the specified principal and role not found!")
        for binding in found:
            binding["members"].remove(member)
            if not binding["members"]:
                bindings.remove(binding)

    _change(session, removed)


def _change(session: Session, change: Callable[[Bindings], None]) -> None:
    """Read the policy, change it and set it with the etag that it had, so that nobody's change is lost."""
    policy = session.call("POST", f"{session.names()['name']}:getIamPolicy", body={})
    bindings = policy.setdefault("bindings", [])
    change(bindings)
    if not bindings:
        del policy["bindings"]
    _set(session, policy)


def _set(session: Session, policy: dict[str, Any]) -> None:
    name = session.names()["name"]
    answer = session.call("POST", f"{name}:setIamPolicy", body={"policy": policy})
    session.say(session.line.command.said.format(queue=name.rpartition("/")[2]))
    session.answer(answer)


def _found(bindings: Bindings, line: Line) -> Bindings:
    """The bindings of the role and the condition that the line names."""
    role, condition, every = line.value("--role"), _condition(line), line.has("--all")
    return [each for each in bindings if each["role"] == role and (every or each.get("condition") == condition)]


def _condition(line: Line) -> dict[str, Any] | None:
    """``expression=…,title=…`` as the API has it, or what a file says."""
    if line.value("--condition-from-file"):
        return _policy(line.value("--condition-from-file"))
    text = line.value("--condition")
    if not text or text == "None":
        return None
    return dict(pair.partition("=")[::2] for pair in text.split(","))


def _policy(path: str) -> dict[str, Any]:
    import yaml

    try:
        policy = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandError(f"Failed to load YAML from [{path}]: Unable to read file [{path}]: {error}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandError(f"Failed to parse YAML from [{path}]: {error}") from None
    if not isinstance(policy, dict):
        raise CommandError(f"[{path}] must hold a mapping of fields and their values")
    return policy
