"""Whatever is sent to whichever method of the operator: an answer or a clear error, never a surprise.

``EXAMPLES`` says how many requests every method gets.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.api.operator.living import QUEUE, Life, lived
from tests.schema.random_messages import any_message

from tidegate.api.operator.bulk import read_selection
from tidegate.api.operator.redrive import read_dead_selection
from tidegate.core.errors import ApiError, Code
from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc

EXAMPLES = int(os.environ.get("EXAMPLES", "25")) // 4
NAMES = {
    "projects/*": "projects/p",
    "projects/*/locations/*": QUEUE.parent,
    "projects/*/locations/*/queues/*": QUEUE,
    "projects/*/locations/*/queues/*/tasks/*": QUEUE.task("t"),
}
FILTERS = ["", "name:q", "task_id>=a", "dispatch_count>0 OR NOT name:x", '"', "(", "x=1", "a.b.c:*", "state=1"]


def name_for(row: Rpc[Any, Any]) -> str:
    """A name that the row takes, of what is there."""
    pattern = row.bindings[0].path.partition("=")[2].partition("}")[0]
    if pattern in NAMES:
        return NAMES[pattern]
    known = max((each for each in NAMES if pattern.startswith(each)), key=len)
    return NAMES[known] + pattern.removeprefix(known).replace("*", "1")


async def answered(life: Life, row: Rpc[Any, Any], request: Any) -> None:
    try:
        if not row.streams:
            await life.api.method(row)(request)
            return
        responses = await life.api.stream(row)(request)
        if row is Operator.export_state:
            async for _ in responses:
                pass
        await responses.aclose()
    except ApiError as error:
        assert error.message  # noqa: PT017 - there may be no error
        assert error.code not in {Code.INTERNAL, Code.UNKNOWN}, error.message  # noqa: PT017 - as above


@pytest.mark.parametrize("row", Operator.rpcs, ids=lambda row: row.name)
def test_any_message_is_answered_or_refused(row: Rpc[Any, Any]) -> None:
    @settings(max_examples=EXAMPLES)
    @given(any_message([row.request_pb]), st.booleans(), st.sampled_from(FILTERS))
    def check(message: Any, fits: bool, text: str) -> None:
        if fits and row.routing_field:
            *parents, name = row.routing_field.split(".")
            holder = message
            for parent in parents:
                holder = getattr(holder, parent)
            setattr(holder, name, name_for(row))
        if fits and "filter" in message.DESCRIPTOR.fields_by_name:
            message.filter = text

        async def story(life: Life) -> None:
            life.engine.serve_bulk(read_selection)
            life.engine.serve_dead_tasks(read_dead_selection)
            await life.create("t", timedelta(hours=1))
            await answered(life, row, message)

        lived(story)

    check()
