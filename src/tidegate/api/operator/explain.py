"""Why a task does not run, or a queue does not dispatch."""

from __future__ import annotations

from typing import Any

from tidegate.api.operator.parts import Parts
from tidegate.api.times import put_moment
from tidegate.core.explain.values import Explanation, Reason
from tidegate.core.names import QueueName, TaskName
from tidegate.schema.operator import explain as messages


async def explain_task(parts: Parts, request: Any, name: TaskName, call: Any) -> Any:
    return _explanation(name, await parts.engine.explaining.task(name, probe=request.probe))


async def explain_queue(parts: Parts, request: Any, name: QueueName, call: Any) -> Any:
    return _explanation(name, await parts.engine.explaining.queue(name))


def _explanation(name: str, said: Explanation) -> Any:
    explanation = messages.Explanation.pb()(name=name, state=said.state)
    if said.will_run_time is not None:
        put_moment(explanation.will_run_time, said.will_run_time)
    for each in said.reasons:
        write_reason(each, explanation.reasons.add())
    return explanation


def write_reason(said: Reason, into: Any) -> None:
    """Fill a Reason."""
    into.code = said.code
    into.text = said.text
    into.details.update(said.details)
    if said.since is not None:
        put_moment(into.since, said.since)
    if said.until is not None:
        put_moment(into.until, said.until)
