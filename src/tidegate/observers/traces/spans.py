"""Makes spans of the SDK from what is known here about their parents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)

from tidegate.core.trace_context import TraceContext
from tidegate.observers.traces.sampling import TraceIds

NOWHERE = Context()
"""No span is around: a trace begins."""


class Spans:
    """Starts spans. ``ids`` are those of the tracer's provider. With ``follow_parents`` its sampler records no child of
    a span that is not recorded, which then need not be started.
    """

    def __init__(self, tracer: Tracer, ids: TraceIds, *, follow_parents: bool) -> None:
        self._tracer = tracer
        self._follow_parents = follow_parents
        self.begins = ids.begins
        """Whether a new trace would be recorded. If so a span without parent must be started at once."""

    def wanted(self, parent: TraceContext | None) -> bool:
        """Whether a span with this parent might be recorded; it must be started at once then."""
        return self.begins() if parent is None else parent.sampled or not self._follow_parents

    def start(
        self,
        name: str,
        kind: SpanKind,
        fields: Mapping[str, Any],
        *,
        parent: TraceContext | None = None,
        links: Sequence[TraceContext] = (),
    ) -> Span:
        """A span, which may turn out not to be recorded."""
        around = NOWHERE if parent is None else set_span_in_context(NonRecordingSpan(_remote(parent)), NOWHERE)
        linked = [Link(_remote(each)) for each in links]
        return self._tracer.start_span(name, around, kind, fields, linked)


def context_of(span: Span) -> TraceContext:
    """Where a span stands, for headers and for tasks."""
    context = span.get_span_context()
    state = context.trace_state.to_header() if context.trace_state else ""
    return TraceContext(context.trace_id, context.span_id, context.trace_flags.sampled, state)


def _remote(context: TraceContext) -> SpanContext:
    return SpanContext(
        context.trace_id,
        context.span_id,
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if context.sampled else TraceFlags.DEFAULT),
        trace_state=TraceState.from_header([context.state]) if context.state else TraceState(),
    )
