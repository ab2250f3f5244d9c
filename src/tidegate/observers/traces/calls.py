"""A span for each call of the API, around its handler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import perf_counter, time
from typing import Any, Final

from opentelemetry.trace import SpanKind

from tidegate.core.errors import ApiError, Code
from tidegate.core.histogram import Exemplar, Histogram
from tidegate.core.trace_context import TraceContext, parse
from tidegate.observers.traces.attempts import creating
from tidegate.observers.traces.current import within
from tidegate.observers.traces.fields import Fields, resource_fields
from tidegate.observers.traces.spans import Span, Spans

Answer = Callable[..., Awaitable[Any]]

FAULTS: Final = frozenset(
    {
        Code.UNKNOWN,
        Code.DEADLINE_EXCEEDED,
        Code.UNIMPLEMENTED,
        Code.INTERNAL,
        Code.UNAVAILABLE,
        Code.DATA_LOSS,
    }
)
"""Codes that are the server's fault and not its caller's, by the conventions for gRPC."""

_PARENT: Final = b"traceparent"
_STATE: Final = b"tracestate"


class MethodSpans:
    """What spans of one method have in common. ``answer`` answers its calls; ``outcome`` says what of a code stands in
    the span.
    """

    __slots__ = ("_answer", "_fields", "_name", "_outcome", "_spans")

    def __init__(
        self, answer: Answer, spans: Spans, name: str, fields: Mapping[str, Any], *, outcome: Callable[[Code], Fields]
    ) -> None:
        self._answer = answer
        self._spans = spans
        self._name = name
        self._fields = fields
        self._outcome = outcome

    def _start(self, parent: TraceContext | None) -> Span:
        return self._spans.start(self._name, SpanKind.SERVER, self._fields, parent=parent)

    def _end(self, span: Span, error: BaseException | None) -> None:
        """End the span of a call that ended so: with this error, or as it should."""
        code = _code_of(error)
        span.fields |= self._outcome(code)
        if code is not Code.OK:
            span.fields["error.type"] = code.name
        if code not in FAULTS:
            span.end()
        else:
            span.end(error.message if isinstance(error, ApiError) else type(error).__name__)


class CallSpans(MethodSpans):
    """Puts a span around each call of one method.

    ``created`` finds the name of the new task in an answer, for methods that create tasks: those keep this span.
    ``durations`` gets an exemplar of each recorded call.
    """

    __slots__ = ("_created", "_durations")

    def __init__(
        self,
        answer: Answer,
        spans: Spans,
        name: str,
        fields: Mapping[str, Any],
        *,
        outcome: Callable[[Code], Fields],
        created: Callable[[Any], str] | None = None,
        durations: Callable[[], Histogram],
    ) -> None:
        super().__init__(answer, spans, name, fields, outcome=outcome)
        self._created = created
        self._durations = durations

    def answer(self, request: Any, call: Any = None) -> Awaitable[Any]:
        """The same answer. Calls that are not recorded, by far the most where few are sampled, pass as they are."""
        parent = None if call is None else parent_of(call.scope["headers"])
        if self._spans.wanted(parent):
            return self._within_span(request, call, parent)
        if parent is not None and self._created is not None:
            return self._within_trace(request, call, parent)
        return self._answer(request, call)

    async def _within_trace(self, request: Any, call: Any, parent: TraceContext) -> Any:
        """The same answer; what it creates belongs to the caller's trace."""
        with creating(parent):
            return await self._answer(request, call)

    async def _within_span(self, request: Any, call: Any, parent: TraceContext | None) -> Any:
        begun = perf_counter()
        span = self._start(parent)
        where = span.where
        if not span.recorded:
            with creating(where):
                return await self._answer(request, call)
        span.fields |= request_fields(request)
        try:
            with creating(where), within(where):
                answered = await self._answer(request, call)
            if self._created is not None and (task := self._created(answered)):
                span.fields |= resource_fields(task)
        except BaseException as error:
            self._end(span, error)
            raise
        else:
            self._end(span, None)
            return answered
        finally:
            took = perf_counter() - begun
            self._durations().mark(Exemplar(where.trace_id, where.span_id, took, time()))


def _code_of(error: BaseException | None) -> Code:
    if error is None:
        return Code.OK
    if isinstance(error, ApiError):
        return error.code
    return Code.CANCELLED if isinstance(error, asyncio.CancelledError) else Code.INTERNAL


def parent_of(headers: Iterable[tuple[bytes, bytes]]) -> TraceContext | None:
    """The caller's span, as the headers of a request name it."""
    for name, value in headers:
        if name == _PARENT:
            state = b",".join(value for name, value in headers if name == _STATE)
            return parse(value.decode("latin-1"), state.decode("latin-1"))
    return None


def request_fields(request: Any) -> Fields:
    """What the request is about: the name in it by which it is routed, and how many tasks it is about."""
    name = getattr(request, "name", "") or getattr(request, "parent", "") or getattr(request, "queue", "")
    name = getattr(name, "name", name)
    fields = resource_fields(name) if isinstance(name, str) else {}
    batch = getattr(request, "requests", None)
    if batch is not None:
        fields["messaging.batch.message_count"] = len(batch)
    return fields
