"""Why a task does not run, or a queue does not dispatch."""

from __future__ import annotations

from typing import Any

from tidegate.api.operator.parts import Parts
from tidegate.api.times import put_moment
from tidegate.core.explain.values import Explanation
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
        reason = explanation.reasons.add(code=each.code, text=each.text, details=each.details)
        if each.since is not None:
            put_moment(reason.since, each.since)
        if each.until is not None:
            put_moment(reason.until, each.until)
    return explanation
