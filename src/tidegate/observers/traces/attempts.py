"""A span for each attempt: child of the task's creation, and linked to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from random import getrandbits
from time import perf_counter, time
from typing import Final

from msgspec import Struct
from opentelemetry.trace import SpanKind

from tidegate.core.histogram import Exemplar
from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Queue
from tidegate.core.target import HttpCall
from tidegate.core.task import Task
from tidegate.core.trace_context import NOT_SAMPLED, TRACEPARENT, TRACESTATE, TraceContext, read_kept
from tidegate.engine.ports.tracing import AttemptTrace, TraceHeaders
from tidegate.observers.traces.current import enter
from tidegate.observers.traces.fields import attempt_fields, outcome_fields, request_fields
from tidegate.observers.traces.spans import Span, Spans

Mark = Callable[[str, Exemplar], None]
"""Told of a recorded attempt of a queue: how long it took."""

_CREATION: Final[ContextVar[bytes]] = ContextVar("tidegate_creation", default=NOT_SAMPLED)
"""What tasks keep that the call under way creates. Calls that are not recorded, by far the most where few are sampled,
need not set it.
"""


@contextmanager
def creating(where: TraceContext) -> Iterator[None]:
    """What the block creates keeps this span."""
    token = _CREATION.set(where.kept())
    try:
        yield
    finally:
        _CREATION.reset(token)


class Traces:
    """``ports.Tracing``. Attempts of a task whose creation was recorded are recorded, those of one whose creation was
    not are not. Where nothing is known of the creation, the attempt begins a trace, and the sampler decides.
    """

    def __init__(self, spans: Spans, mark: Mark) -> None:
        self._spans = spans
        self._mark = mark
        self.creation = _CREATION.get

    def attempt(self, queue: Queue, task: Task) -> tuple[TraceHeaders, AttemptTrace | None]:
        if task.trace == NOT_SAMPLED:
            return _fresh(), None
        creation = read_kept(task.trace)
        if creation is None:
            if not self._spans.begins():
                return _fresh(), None
        elif not creation.sampled:
            return _headers(TraceContext(creation.trace_id, getrandbits(64) or 1, False, creation.state)), None
        links = () if creation is None else (creation,)
        span = self._spans.start(
            f"dispatch {queue.name}", SpanKind.CLIENT, attempt_fields(queue, task), parent=creation, links=links
        )
        if not span.recorded:
            return _headers(span.where), None
        enter(span.where)  # the attempt's own asyncio task, which ends with it
        return _headers(span.where), _Recorded(span, queue.name, self._mark, perf_counter())


class _Recorded(Struct):
    span: Span
    queue: str
    mark: Mark
    begun: float

    def sends(self, call: HttpCall) -> None:
        self.span.fields |= request_fields(call)

    def ended(self, outcome: Outcome) -> None:
        took = perf_counter() - self.begun
        self.span.fields |= outcome_fields(outcome)
        self.span.end(None if outcome.succeeded else outcome.reason)
        where = self.span.where
        self.mark(self.queue, Exemplar(where.trace_id, where.span_id, took, time()))


def _headers(where: TraceContext) -> TraceHeaders:
    if where.state:
        return (TRACEPARENT, where.traceparent), (TRACESTATE, where.state)
    return ((TRACEPARENT, where.traceparent),)


_NOBODYS_SPAN: Final = f"-{getrandbits(64) or 1:016x}-00"


def _fresh() -> TraceHeaders:
    """Headers of a trace that nobody records. Its span is never seen, so one ID does for all."""
    return ((TRACEPARENT, f"00-{getrandbits(128) or 1:032x}{_NOBODYS_SPAN}"),)
