"""A span for each call of the API, around its handler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter, time
from typing import Any, Final

from opentelemetry.trace import Span, SpanKind, StatusCode

from tidegate.core.errors import ApiError, Code
from tidegate.core.histogram import Exemplar, Histogram
from tidegate.core.trace_context import NOT_SAMPLED, TraceContext, parse
from tidegate.observers.traces.attempts import CREATION
from tidegate.observers.traces.current import CURRENT
from tidegate.observers.traces.fields import Fields, resource_fields
from tidegate.observers.traces.spans import Spans, context_of

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


class CallSpans:
    """Puts a span around each call of one method, which ``answer`` answers.

    ``outcome`` says what of a code stands in the span. ``created`` finds the name of the new task in an answer, for
    methods that create tasks: those keep this span. ``durations`` gets an exemplar of each recorded call.
    """

    __slots__ = ("_answer", "_created", "_durations", "_fields", "_name", "_outcome", "_spans")

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
        self._answer = answer
        self._spans = spans
        self._name = name
        self._fields = fields
        self._outcome = outcome
        self._created = created
        self._durations = durations

    def answer(self, request: Any, call: Any = None) -> Awaitable[Any]:
        """The same answer. Calls that are not recorded, by far the most where few are sampled, pass as they are."""
        parent = None if call is None else _parent(call.scope["headers"])
        if parent is None:
            if self._spans.begins():
                return self._within_span(request, call, None)
            if self._created is not None:
                CREATION.set(NOT_SAMPLED)
        elif parent.sampled or not self._spans.follow_parents:
            return self._within_span(request, call, parent)
        elif self._created is not None:
            CREATION.set(parent.kept())
        return self._answer(request, call)

    async def _within_span(self, request: Any, call: Any, parent: TraceContext | None) -> Any:
        begun = perf_counter()
        span = self._spans.start(self._name, SpanKind.SERVER, self._fields, parent=parent)
        where = context_of(span)
        if self._created is not None:
            CREATION.set(where.kept())
        if not span.is_recording():
            return await self._answer(request, call)
        span.set_attributes(_request_fields(request))
        CURRENT.set(where)
        code = Code.OK
        try:
            answered = await self._answer(request, call)
            if self._created is not None and (task := self._created(answered)):
                span.set_attributes(resource_fields(task))
        except ApiError as error:
            code = error.code
            if code in FAULTS:
                span.set_status(StatusCode.ERROR, error.message)
            raise
        except asyncio.CancelledError:
            code = Code.CANCELLED
            raise
        except BaseException as error:
            code = Code.INTERNAL
            span.set_status(StatusCode.ERROR, type(error).__name__)
            raise
        else:
            return answered
        finally:
            _end(span, self._outcome(code), code)
            CURRENT.set(None)
            took = perf_counter() - begun
            self._durations().mark(Exemplar(where.trace_id, where.span_id, took, time()))


def _end(span: Span, fields: Fields, code: Code) -> None:
    span.set_attributes(fields)
    if code is not Code.OK:
        span.set_attribute("error.type", code.name)
    span.end()


def _parent(headers: list[tuple[bytes, bytes]]) -> TraceContext | None:
    for name, value in headers:
        if name == _PARENT:
            state = b",".join(value for name, value in headers if name == _STATE)
            return parse(value.decode("latin-1"), state.decode("latin-1"))
    return None


def _request_fields(request: Any) -> Fields:
    """What the request is about: the name in it by which it is routed, and how many tasks it is about."""
    name = getattr(request, "name", "") or getattr(request, "parent", "") or getattr(request, "queue", "")
    name = getattr(name, "name", name)
    fields = resource_fields(name) if isinstance(name, str) else {}
    batch = getattr(request, "requests", None)
    if batch is not None:
        fields["messaging.batch.message_count"] = len(batch)
    return fields
