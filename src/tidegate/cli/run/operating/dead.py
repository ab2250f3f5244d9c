"""``tidegate dead redrive`` and ``dead delete``: operations that go on in the server until they are done."""

from __future__ import annotations

import time
from typing import Any

from tidegate.cli.problems import CommandError
from tidegate.cli.run.calls import request_body, the_call
from tidegate.cli.run.session import Session

FIRST_LOOK, LONGEST_LOOK = 0.05, 1.0
"""Seconds between two looks at an operation."""
SHOWN_FAILURES = 10


def redrive(session: Session) -> None:
    """Put dead tasks back."""
    line, names = session.line, session.names()
    work = the_call(line)
    body = request_body(line, work.body or {}, names)
    if line.words.get("DEAD_TASK"):
        body["names"] = [_dead(names["queue"], text) for text in line.words["DEAD_TASK"]]
    if line.value("--to-queue"):
        body["toQueue"] = session.queue(line.value("--to-queue"))
    result = done(session, session.call(work.verb, work.path.format(**names), body=body))
    _tell(session, result, "Would redrive" if line.has("--dry-run") else "Redrove")


def delete(session: Session) -> None:
    """Delete dead tasks: those named, or by a filter, or all; asks first, and the end of the input is no."""
    line, names = session.line, session.names()
    did = "Would delete" if line.has("--dry-run") else "Deleted"
    queue, named = names["queue"], line.words.get("DEAD_TASK") or ()
    if named and line.value("--filter"):
        raise CommandError("Name dead tasks or give a --filter, not both.")
    work = the_call(line)
    body = request_body(line, work.body or {}, names)
    if not line.has("--dry-run"):
        what = ", ".join(named) if named else f"{line.value('--filter') or 'all dead tasks'} of [{names['short']}]"
        session.confirm(f"Are you sure you want to delete: {what}")
    if not named:
        result = done(session, session.call(work.verb, work.path.format(**names), body=body))
        _tell(session, result, did)
        return
    for text in named:
        if not line.has("--dry-run"):
            session.call("DELETE", _dead(queue, text))
    _tell(
        session, {"changed": len(named), "matched": len(named)}, "Would delete" if line.has("--dry-run") else "Deleted"
    )


def done(session: Session, operation: dict[str, Any]) -> dict[str, Any]:
    """The result of an operation, once it has one. Raises CommandError for one that failed."""
    pause = FIRST_LOOK
    while not operation.get("done"):
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_LOOK)
        operation = session.server.call("GET", f"/v2/{operation['name']}")
    if error := operation.get("error"):
        raise CommandError(str(error.get("message") or error))
    result: dict[str, Any] = operation.get("response", {})
    return result


def _dead(queue: str, text: str) -> str:
    return text if text.startswith("projects/") else f"{queue}/deadTasks/{text}"


def _tell(session: Session, result: dict[str, Any], did: str) -> None:
    failures = result.get("failures", ())
    count = int(result.get("matched", 0)) if did.startswith("Would") else int(result.get("changed", 0))
    session.say(f"{did} {count} dead task{'' if count == 1 else 's'}.")
    for failure in failures[:SHOWN_FAILURES]:
        session.warn(f"{failure.get('name', '')}: {failure.get('status', {}).get('message', '')}")
    if session.format is not None:
        session.answer(result)
    if failures:
        raise CommandError(f"{len(failures)} or more could not be done.")
