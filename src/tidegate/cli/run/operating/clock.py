"""``tidegate clock advance``."""

from __future__ import annotations

from tidegate.cli.problems import UsageError
from tidegate.cli.run.calls import the_call
from tidegate.cli.run.operating.spans import json_span
from tidegate.cli.run.session import Session

NEXT = "next"


def advance(session: Session) -> None:
    """Move the clock by a span, or to the next task that is due."""
    text = session.line.words["SPAN"]
    try:
        body = {"toNextDue": True} if text == NEXT else {"duration": json_span(text)}
    except ValueError as error:
        raise UsageError(f"argument SPAN: {error}") from None
    work = the_call(session.line)
    session.answer(session.call(work.verb, work.path, body=body))
