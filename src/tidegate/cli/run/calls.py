"""The commands that are one call: a request made of flags, an answer shown, a line that says what was done."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tidegate.cli.line import Line
from tidegate.cli.problems import CommandError
from tidegate.cli.run.session import Session
from tidegate.cli.table.kinds import base64
from tidegate.cli.table.rows import Call, Flag

TOKENS = {"oauthToken": "Oauth", "oidcToken": "Oidc"}


def call(session: Session) -> None:
    """Make the call of the command, and say and show what came of it."""
    line = session.line
    names = session.names()
    work = the_call(line)
    body = None if work.body is None else request_body(line, work.body, names)
    if line.command.ask:
        session.ask(line.command.ask.format(**names))
    finish(session, names, session.call(work.verb, work.path.format(**names), query_of(line), body))


def update(session: Session) -> None:
    """Change a queue: the mask has every field that is set or cleared, the body those that are set."""
    line = session.line
    flags = line.command.flags
    mask = sorted({flag.mask or flag.field for flag in flags if _changes(flag, line)})
    if not mask or mask == ["type"]:
        raise CommandError("Must specify at least one field to update.")
    for token, name in TOKENS.items():
        of_token = {field for field in mask if field.startswith(f"httpTarget.{token}.")}
        email = f"http-{name.lower()}-service-account-email-override"
        if of_token and (
            f"httpTarget.{token}.serviceAccountEmail" not in of_token
            or (line.has(f"--clear-{email}") and any(_sets(flag, line) for flag in flags if flag.field in of_token))
        ):
            raise CommandError(f"{name} service account email ({email}) must be set.")
    names = session.names()
    work = the_call(line)
    body = request_body(line, work.body or {}, names)
    for top in ("retryConfig", "rateLimits", "stackdriverLoggingConfig"):
        if any(field.startswith(f"{top}.") for field in mask):
            body.setdefault(top, {})  # a message that is cleared of its last field is there, and empty
    answer = session.call(work.verb, work.path.format(**names), {"updateMask": ",".join(mask)}, body)
    finish(session, names, answer)


def finish(session: Session, names: Mapping[str, str], answer: Any) -> None:
    """Say what was done, then show the answer."""
    said = session.line.command.said
    if said:
        known = dict(names)
        if isinstance(answer, dict) and "{name}" in said:
            known["name"] = answer.get("name", "")
        session.say(said.format(**known))
    session.answer(answer)


def the_call(line: Line) -> Call:
    """What the command calls."""
    found = line.command.call
    if found is None:  # never: a row that is run by this module has one
        raise TypeError(line.command.words)
    return found


def query_of(line: Line) -> dict[str, Any]:
    """The query parameters that flags stand for."""
    found = {}
    for flag in line.command.flags:
        value = line.value(flag.name)
        if flag.field.startswith("?") and value is not None:
            found[flag.field[1:]] = "true" if value is True else value
    return found


def request_body(line: Line, begun: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The body: what it always has, with the names filled in, and what the flags say."""
    body = _filled(begun, names)
    for flag in line.command.flags:
        if _sets(flag, line) and flag.field and not flag.field.startswith("?"):
            value = line.value(flag.name)
            _put(body, flag.field, _read_file(value) if flag.kind.late else value)
    if body.get("appEngineHttpQueue") == {} and ("httpTarget" in body or body.get("type") == "PULL"):
        del body["appEngineHttpQueue"]  # a push queue is for App Engine only if nothing else is said
    return body


def _sets(flag: Flag, line: Line) -> bool:
    """Whether a field is said, or has a default that is always sent."""
    return line.value(flag.name) is not None


def _changes(flag: Flag, line: Line) -> bool:
    return line.value(flag.name) is not None and bool(flag.mask or flag.field)


def _filled(begun: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """A copy with ``{name}`` and the like filled in; what would be empty is left out."""
    filled: dict[str, Any] = {}
    for field, value in begun.items():
        if isinstance(value, Mapping):
            filled[field] = _filled(value, names)
        elif text := value.format(**names):
            filled[field] = text
    return filled


def _put(body: dict[str, Any], field: str, value: Any) -> None:
    *steps, last = field.split(".")
    for step in steps:
        body = body.setdefault(step, {})
    if isinstance(value, dict) and isinstance(body.get(last), dict):
        body[last] |= value
    else:
        body[last] = value


def _read_file(path: str) -> str:
    if path == "-":
        return base64(sys.stdin.buffer.read())
    try:
        return base64(Path(path).read_bytes())
    except OSError as error:
        raise CommandError(f"Unable to read file [{path}]: {error}") from None
