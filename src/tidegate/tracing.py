"""Traces of a whole server, where the standard variables of OpenTelemetry ask for them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec.structs import replace

from tidegate.api.operator.rpcs import StreamAnswer
from tidegate.api.rpcs import Answer, AnsweredRpc
from tidegate.api.status import HTTP_STATUS
from tidegate.core.errors import Code
from tidegate.observers.metrics.counts import Counts
from tidegate.observers.traces.asked import asks_for_traces
from tidegate.schema.rpc import Rpc
from tidegate.servers.address import Address
from tidegate.servers.call_counts import CallCounts
from tidegate.servers.mounts import Mount

if TYPE_CHECKING:  # all below import the SDK, which takes 60 ms and 15 MiB, and may not be installed
    from tidegate.observers.traces.attempts import Traces
    from tidegate.observers.traces.export import Export
    from tidegate.observers.traces.fields import Fields

logger = logging.getLogger("tidegate")

StreamAnswers: TypeAlias = Mapping[Rpc[Any, Any], StreamAnswer]
MakeTracing: TypeAlias = Callable[[Address, Counts], "Tracing | None"]


class Tracing:
    """The spans of one server's calls and attempts. ``attempts`` is the engine's part."""

    def __init__(self, export: Export, counts: Counts) -> None:
        from tidegate.observers.traces.attempts import Traces  # noqa: PLC0415 - see above

        self._export = export
        self.attempts: Traces = Traces(export.spans, counts.mark)

    def grpc(self, methods: Mapping[str, AnsweredRpc], calls: CallCounts) -> dict[str, AnsweredRpc]:
        """The same methods with spans."""
        from tidegate.observers.traces.calls import CallSpans  # noqa: PLC0415 - see above
        from tidegate.observers.traces.fields import rpc_fields  # noqa: PLC0415

        with_spans = {}
        for path, method in methods.items():
            service, _, name = path.strip("/").partition("/")
            with_spans[path] = method._replace(
                answer=CallSpans(
                    method.answer,
                    self._export.spans,
                    path.strip("/"),
                    rpc_fields(service, name),
                    outcome=_grpc_outcome,
                    created=_created_of.get(name),
                    durations=partial(_durations, calls.grpc, path),
                ).answer
            )
        return with_spans

    def rest(self, answers: Mapping[Rpc[Any, Any], Answer], calls: CallCounts) -> dict[Rpc[Any, Any], Answer]:
        """The same answers with spans."""
        from tidegate.observers.traces.calls import CallSpans  # noqa: PLC0415 - see above
        from tidegate.observers.traces.fields import http_fields  # noqa: PLC0415

        with_spans = {}
        for row, answer in answers.items():
            if row.http is None:
                with_spans[row] = answer
                continue
            with_spans[row] = CallSpans(
                answer,
                self._export.spans,
                f"{row.http.verb} {row.http.path}",
                http_fields(row.http.verb, row.http.path),
                outcome=_rest_outcome,
                created=_created_of.get(row.rpc_name),
                durations=partial(_durations, calls.rest, row.full_name),
            ).answer
        return with_spans

    def streams(self, answers: StreamAnswers) -> dict[str, StreamAnswers]:
        """The same streams with spans, as ``grpc_streams`` and as ``rest_streams``."""
        from tidegate.observers.traces.fields import http_fields, rpc_fields  # noqa: PLC0415 - see above
        from tidegate.observers.traces.streams import StreamSpans  # noqa: PLC0415

        grpc, rest = dict(answers), dict(answers)
        for row, answer in answers.items():
            name = row.grpc_path.strip("/")
            service, _, method = name.partition("/")
            fields = rpc_fields(service, method)
            grpc[row] = StreamSpans(answer, self._export.spans, name, fields, outcome=_grpc_outcome).answer
            if row.http is not None:
                name, fields = f"{row.http.verb} {row.http.path}", http_fields(row.http.verb, row.http.path)
                rest[row] = StreamSpans(answer, self._export.spans, name, fields, outcome=_rest_outcome).answer
        return {"grpc_streams": grpc, "rest_streams": rest}

    def pages(self, mounts: Sequence[Mount], route: Callable[[str, str], str | None]) -> list[Mount]:
        """The same applications with spans; ``route`` finds the route of a request, None where it has no span."""
        from tidegate.observers.traces.pages import PageSpans  # noqa: PLC0415 - see above

        return [replace(mount, app=PageSpans(mount.app, self._export.spans, route)) for mount in mounts]

    async def close(self) -> None:
        """Send the last spans."""
        await self._export.close()


def tracing_as_asked(address: Address, counts: Counts) -> Tracing | None:
    """As the variables of this process say; None where they ask for no traces. Raises OperatorError."""
    if not asks_for_traces(os.environ):
        return None
    try:
        from tidegate.observers.traces.export import Export  # noqa: PLC0415 - see above
    except ImportError as error:
        logger.warning("OTEL_… asks for traces, and there are none: pip install 'tidegate[otel]' (%s)", error)
        return None
    return Tracing(Export(os.environ, f"{address.host}:{address.port}"), counts)


def _durations(methods: Mapping[str, Any], name: str) -> Any:
    return methods[name].durations


def _grpc_outcome(code: Code) -> Fields:
    return {"rpc.grpc.status_code": code.value}


def _rest_outcome(code: Code) -> Fields:
    return {"http.response.status_code": HTTP_STATUS[code]}


def _name_in(answered: Any) -> str:
    """The name of the task in an answer, which may be the bytes of a Task: its name is their first field."""
    if isinstance(answered, bytes):
        if not answered.startswith(_NAME_TAG):
            return ""
        size, begin = answered[1], 2
        if size > 127:
            size, begin = size & 127 | answered[2] << 7, 3
        return answered[begin : begin + size].decode("utf-8", "replace")
    task = getattr(answered, "task", answered)  # of a BufferTaskResponse
    return str(getattr(task, "name", ""))


_NAME_TAG = b"\x0a"

_created_of: Mapping[str, Callable[[Any], str]] = {
    "CreateTask": _name_in,
    "BufferTask": _name_in,
    "BatchCreateTasks": lambda _operation: "",
}
"""By the names of the methods that create tasks, what finds the name of the new one in their answer."""
