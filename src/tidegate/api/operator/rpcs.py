"""The operator's service as servers see it: for each row a callable from request to response, or to responses.

    api = OperatorApi(parts)
    response = await api.method(Operator.get_server)(request)
    async for event in await api.stream(Operator.watch_events)(request):
        ...

Like the servers, this is a loop over the rows. A row without a handler answers UNIMPLEMENTED.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from operator import attrgetter
from typing import Any, Final, TypeAlias

from tidegate.api.operator import (
    attempts,
    bulk,
    clock,
    dead_letters,
    events,
    explain,
    faults,
    operations,
    options,
    preview,
    queue_status,
    redrive,
    render,
    replay,
    search,
    series,
    server,
    state,
)
from tidegate.api.operator.audit import list_audit_entries
from tidegate.api.operator.parts import Parts
from tidegate.api.rpcs import Answer, AnsweredRpc, insists
from tidegate.core.access import Principal
from tidegate.core.errors import FailedPrecondition, Unimplemented
from tidegate.core.operator_names import OPERATOR_SHAPES, SERVER, OperatorGate
from tidegate.schema.limits import size_of
from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc

Handler: TypeAlias = Callable[[Parts, Any, Any, Any], Awaitable[Any]]
"""Parts, request, the name by which the call is routed, and the call (its headers; None in process). Messages
are raw.
"""

StreamHandler: TypeAlias = Callable[[Parts, Any, Any, Any], Awaitable[AsyncGenerator[Any, None]]]
"""The same, for a row that streams: it checks the request, then returns an asynchronous generator of raw responses,
whose end is the end of the stream. The generator is closed when the caller leaves or the server drains. One that was
never begun ends without a trace: what is to be released it takes in its own body.
"""

StreamAnswer: TypeAlias = Callable[..., Awaitable[AsyncGenerator[Any, None]]]
"""Takes a raw request and the call; awaited, it returns the raw responses. Both may raise an ApiError."""

HANDLERS: Final[Mapping[str, Handler]] = {
    "create_fault": faults.create_fault,
    "list_faults": faults.list_faults,
    "get_fault": faults.get_fault,
    "delete_fault": faults.delete_fault,
    "clear_faults": faults.clear_faults,
    "get_server": server.get_server,
    "drain": server.drain,
    "undrain": server.undrain,
    "reset_server": server.reset_server,
    "list_nodes": server.list_nodes,
    "get_queue_status": queue_status.get_queue_status,
    "list_queue_statuses": queue_status.list_queue_statuses,
    "preview_retries": preview.preview_retries_of,
    "search_tasks": search.search_tasks,
    "render_request": render.render_request,
    "explain_task": explain.explain_task,
    "explain_queue": explain.explain_queue,
    "replay_task": replay.replay_task,
    "list_audit_entries": list_audit_entries,
    "bulk_delete_tasks": bulk.bulk_delete_tasks,
    "bulk_run_tasks": bulk.bulk_run_tasks,
    "bulk_reschedule_tasks": bulk.bulk_reschedule_tasks,
    "list_operations": operations.list_operations,
    "get_operation": operations.get_operation,
    "cancel_operation": operations.cancel_operation,
    "query_time_series": series.query_time_series,
    "wait_idle": events.wait_idle,
    "import_state": state.import_state,
    "get_clock": clock.get_clock,
    "advance_clock": clock.advance_clock,
    "freeze_clock": clock.freeze_clock,
    "reset_clock": clock.reset_clock,
    "get_queue_options": options.get_queue_options,
    "update_queue_options": options.update_queue_options,
    "list_attempts": attempts.list_attempts,
    "get_attempt": attempts.get_attempt,
    "list_dead_tasks": dead_letters.list_dead_tasks,
    "get_dead_task": dead_letters.get_dead_task,
    "delete_dead_task": dead_letters.delete_dead_task,
    "group_dead_tasks": dead_letters.group_dead_tasks,
    "redrive_dead_tasks": redrive.redrive_dead_tasks,
    "purge_dead_tasks": redrive.purge_dead_tasks,
    "run_until_idle": clock.run_until_idle,
}
STREAM_HANDLERS: Final[Mapping[str, StreamHandler]] = {
    "watch_events": events.watch_events,
    "export_state": state.export_state,
}

_VARIABLE = re.compile(r"\{([^=}]+)=([^}]+)\}")


class OperatorApi:
    """Every RPC of the operator's service."""

    def __init__(
        self,
        parts: Parts,
        handlers: Mapping[str, Handler] = HANDLERS,
        stream_handlers: Mapping[str, StreamHandler] = STREAM_HANDLERS,
    ) -> None:
        rows = Operator.rpcs
        self._answers = {row: _answer(parts, row, handlers.get(row.name)) for row in rows if not row.streams}
        self._streams = {row: _stream(parts, row, stream_handlers.get(row.name)) for row in rows if row.streams}

    def method(self, row: Rpc[Any, Any]) -> Answer:
        """What answers an RPC that does not stream."""
        return self._answers[row]

    def stream(self, row: Rpc[Any, Any]) -> StreamAnswer:
        """What answers an RPC that streams."""
        return self._streams[row]

    def methods(self) -> dict[Rpc[Any, Any], Answer]:
        """All that do not stream."""
        return dict(self._answers)

    def streams(self) -> dict[Rpc[Any, Any], StreamAnswer]:
        """All that stream."""
        return dict(self._streams)

    def grpc(self) -> dict[str, AnsweredRpc]:
        """The methods that do not stream, by their gRPC paths."""
        return {
            row.grpc_path: AnsweredRpc(row.request_pb, answer, size_of(row.name), insists(row))
            for row, answer in self._answers.items()
        }


def _answer(parts: Parts, row: Rpc[Any, Any], handler: Handler | None) -> Answer:
    enter = _entrance(parts, row, handler is not None)
    if parts.door is not None:

        def inner(request: Any, name: Any, call: Any, _principal: Principal) -> Awaitable[Any]:
            assert handler is not None  # noqa: S101 - the entrance refuses what has none
            return handler(parts, request, name, call)

        return parts.door.method(row, enter, inner)

    async def answer(request: Any, call: Any = None) -> Any:
        name = enter(request)
        assert handler is not None  # noqa: S101 - the entrance refuses what has none
        return await handler(parts, request, name, call)

    return answer


def _stream(parts: Parts, row: Rpc[Any, Any], handler: StreamHandler | None) -> StreamAnswer:
    enter = _entrance(parts, row, handler is not None)
    if parts.door is not None:

        def inner(request: Any, name: Any, call: Any, _principal: Principal) -> Awaitable[AsyncGenerator[Any, None]]:
            assert handler is not None  # noqa: S101 - the entrance refuses what has none
            return handler(parts, request, name, call)

        return parts.door.stream(row, enter, inner)

    async def answer(request: Any, call: Any = None) -> AsyncGenerator[Any, None]:
        name = enter(request)
        assert handler is not None  # noqa: S101 - the entrance refuses what has none
        return await handler(parts, request, name, call)

    return answer


def _entrance(parts: Parts, row: Rpc[Any, Any], handled: bool) -> Callable[[Any], Any]:
    """What every call of a row passes first. It returns the name by which the call is routed."""
    routing, gate = _routing(row)

    def enter(request: Any) -> Any:
        name = gate(routing(request))
        if row.dev and not parts.dev:
            raise FailedPrecondition(
                f"{row.rpc_name} is for tests: it works only on a server that was started with --dev."
            )
        if not handled:
            raise Unimplemented(f"{row.rpc_name} is not implemented.")
        return name

    return enter


def _routing(row: Rpc[Any, Any]) -> tuple[Callable[[Any], str], Callable[[str], Any]]:
    """What finds the name in a request by which its call is routed, and the gate that the name must pass."""
    found = [match for rule in row.bindings for match in [_VARIABLE.search(rule.path)] if match is not None]
    if not found:  # it is about the whole server
        return lambda _request: SERVER.pattern, OperatorGate("name", (SERVER,))
    field = found[0][1]
    return attrgetter(field), OperatorGate(field, tuple(OPERATOR_SHAPES[match[2]] for match in found))
