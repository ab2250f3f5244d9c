"""A span for each attempt: child of the task's creation, and linked to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from random import getrandbits
from time import perf_counter, time
from typing import Final

from msgspec import Struct
from opentelemetry.trace import Span, SpanKind, StatusCode

from tidegate.core.histogram import Exemplar
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Queue
from tidegate.core.target import HttpCall
from tidegate.core.task import Task
from tidegate.core.trace_context import TRACEPARENT, TRACESTATE, TraceContext, read_kept
from tidegate.engine.ports.tracing import AttemptTrace
from tidegate.observers.traces.current import CURRENT
from tidegate.observers.traces.fields import attempt_fields, outcome_fields, request_fields
from tidegate.observers.traces.spans import Spans, context_of

Mark = Callable[[str, Exemplar], None]
"""Told of a recorded attempt of a queue: how long it took."""

CREATION: Final[ContextVar[bytes]] = ContextVar("tidegate_creation", default=b"")
"""What tasks keep that the call under way creates."""


class Traces:
    """``ports.Tracing``. Attempts of a task whose creation was recorded are recorded, those of one whose creation was
    not are not. Where nothing is known of the creation, the attempt begins a trace, and the sampler decides.
    """

    def __init__(self, spans: Spans, mark: Mark) -> None:
        self._spans = spans
        self._mark = mark
        self.creation = CREATION.get

    def attempt(self, queue: Queue, task: Task) -> AttemptTrace:
        creation = read_kept(task.trace) if task.trace else None
        if creation is None:
            if task.trace or not self._spans.begins():
                return _Unrecorded(_fresh())
        elif not creation.sampled:
            return _Unrecorded(_headers(TraceContext(creation.trace_id, getrandbits(64) or 1, False, creation.state)))
        links = () if creation is None else (creation,)
        span = self._spans.start(
            f"dispatch {queue.name}", SpanKind.CLIENT, attempt_fields(queue, task), parent=creation, links=links
        )
        where = context_of(span)
        if not span.is_recording():
            return _Unrecorded(_headers(where))
        CURRENT.set(where)  # of the attempt's own asyncio task, which ends with it
        return _Recorded(_headers(where), span, where, queue.name, self._mark, perf_counter())


class _Unrecorded(Struct, gc=False):
    headers: Sequence[tuple[str, str]]

    def sends(self, call: HttpCall) -> None:
        """Nobody looks."""

    def ended(self, outcome: Outcome) -> None:
        """Nobody looks."""


class _Recorded(Struct):
    headers: Sequence[tuple[str, str]]
    span: Span
    where: TraceContext
    queue: str
    mark: Mark
    begun: float

    def sends(self, call: HttpCall) -> None:
        self.span.set_attributes(request_fields(call))

    def ended(self, outcome: Outcome) -> None:
        took = perf_counter() - self.begun
        self.span.set_attributes(outcome_fields(outcome))
        if not outcome.succeeded:
            self.span.set_status(StatusCode.ERROR, outcome.reason)
        self.span.end()
        self.mark(self.queue, Exemplar(self.where.trace_id, self.where.span_id, took, time()))


def _headers(where: TraceContext) -> Sequence[tuple[str, str]]:
    if where.state:
        return (TRACEPARENT, where.traceparent), (TRACESTATE, where.state)
    return ((TRACEPARENT, where.traceparent),)


_NOBODYS_SPAN: Final = f"-{getrandbits(64) or 1:016x}-00"


def _fresh() -> Sequence[tuple[str, str]]:
    """Headers of a trace that nobody records. Its span is never seen, so one ID does for all."""
    return ((TRACEPARENT, f"00-{getrandbits(128) or 1:032x}{_NOBODYS_SPAN}"),)
