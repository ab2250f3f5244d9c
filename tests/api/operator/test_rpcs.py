"""What every call of the operator's service passes before its handler: name, ``dev``, whether there is a handler."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from tests.servers.api import LOCATION, QUEUE, TASK, still_engine

from tidegate.api.operator import OperatorApi, Parts
from tidegate.core.errors import ApiError, FailedPrecondition, InvalidArgument, Unimplemented
from tidegate.core.operator_names import AttemptName, QueueStatusName, ServerName
from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc


async def echo(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    return name


async def endless(parts: Parts, request: Any, name: Any, call: Any) -> AsyncGenerator[Any, None]:
    async def echoes() -> AsyncGenerator[Any, None]:
        while True:
            yield name

    return echoes()


def api(*, dev: bool = True) -> OperatorApi:
    parts = Parts(engine=still_engine(), dev=dev)
    return OperatorApi(
        parts,
        {row.name: echo for row in Operator.rpcs if not row.streams},
        {row.name: endless for row in Operator.rpcs if row.streams},
    )


def named(row: Rpc[Any, Any], name: str) -> Any:
    """A request of a row with this in the field by which it is routed."""
    request = row.request_pb()
    *parents, field = (row.routing_field or "").split(".")
    holder = request
    for parent in parents:
        holder = getattr(holder, parent)
    if field:
        setattr(holder, field, name)
    return request


async def routed(row: Rpc[Any, Any], name: str, *, dev: bool = True) -> Any:
    request = named(row, name)
    if row.streams:
        return await anext(await api(dev=dev).stream(row)(request))
    return await api(dev=dev).method(row)(request)


@pytest.mark.parametrize(
    ("row", "name", "kind"),
    [
        (Operator.get_server, "", ServerName),
        (Operator.get_queue_status, f"{QUEUE}/status", QueueStatusName),
        (Operator.get_attempt, f"{TASK}/attempts/3", AttemptName),
        (Operator.watch_events, "-", ServerName),
    ],
)
async def test_a_handler_gets_the_name_taken_apart(row: Rpc[Any, Any], name: str, kind: type) -> None:
    assert type(await routed(row, name)) is kind


async def test_a_row_with_several_paths_takes_each_of_their_names() -> None:
    for name in (TASK, QUEUE):
        assert await routed(Operator.list_attempts, name) == name
    for name in ("-", "projects/p", LOCATION):
        assert await routed(Operator.watch_events, name) == name


@pytest.mark.parametrize(
    ("row", "name"),
    [
        (Operator.get_queue_status, ""),
        (Operator.get_queue_status, QUEUE),
        (Operator.get_attempt, f"{TASK}/attempts/0"),
        (Operator.get_attempt, f"{TASK}/attempts/9999999999"),
        (Operator.list_attempts, LOCATION),
        (Operator.update_queue_options, f"{QUEUE}/status"),
        (Operator.watch_events, "projects/p/locations"),
        (Operator.explain_task, "projects/p/locations/l/queues/q/tasks/" + "x" * 501),
    ],
)
async def test_a_name_of_another_form_is_refused_with_the_form_it_must_have(row: Rpc[Any, Any], name: str) -> None:
    with pytest.raises(InvalidArgument, match=r"must be formatted \"") as refused:
        await routed(row, name)
    assert refused.value.message.startswith(row.routing_field or "?")
    assert len(refused.value.message) < 800


async def test_what_is_for_tests_is_refused_without_dev() -> None:
    for row, name in ((Operator.reset_server, ""), (Operator.list_faults, QUEUE), (Operator.advance_clock, "")):
        with pytest.raises(FailedPrecondition, match="started with --dev"):
            await routed(row, name, dev=False)
        await routed(row, name, dev=True)


async def test_a_row_without_a_handler_says_that_it_is_not_implemented() -> None:
    bare = OperatorApi(Parts(engine=still_engine(), dev=True), {}, {})
    with pytest.raises(Unimplemented, match="GetServer is not implemented"):
        await bare.method(Operator.get_server)(named(Operator.get_server, ""))
    with pytest.raises(ApiError, match="WatchEvents is not implemented"):
        await bare.stream(Operator.watch_events)(named(Operator.watch_events, "-"))
