"""Makes spans for the SDK to send.

They are handed to its processor whole, at their end. A span of the SDK's own takes 0.1 ms of the event loop, most of it
for checks of attributes that are ours, and one call in a hundred that takes so much longer is a percent of all.
``tests/observers/traces/test_spans.py`` compares them with the SDK's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import getrandbits
from time import time_ns
from typing import Any, Final

from msgspec import Struct
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from tidegate import __version__
from tidegate.core.trace_context import TraceContext
from tidegate.observers.traces.sampling import TraceIds

NOWHERE: Final = Context()
"""No span is around: a trace begins."""

SCOPE: Final = InstrumentationScope("tidegate", __version__)
FIELDS_MAX: Final = 32
"""More fields than any span here has: a lower limit of the SDK's must be looked at."""

_FINE: Final = Status(StatusCode.UNSET)

Sink = Callable[[ReadableSpan], None]


class Span(Struct):
    """A span from its start on. ``where`` it stands is known at once; ``fields`` may be added to until it ends."""

    where: TraceContext
    recorded: bool
    name: str
    kind: SpanKind
    fields: dict[str, Any]
    parent: TraceContext | None
    links: Sequence[TraceContext]
    begun: int
    """Nanoseconds since 1970."""
    spans: Spans

    def end(self, error: str | None = None) -> None:
        """Call once. ``error`` is what went wrong by the server's fault, in short; None for nothing."""
        if self.recorded:
            self.spans.send(self, _FINE if error is None else Status(StatusCode.ERROR, error or None))


class Spans:
    """Starts spans. ``sampler``, ``limits`` and ``resource`` are the SDK's, ``sink`` is what sends a span that has
    ended. With ``follow_parents`` the sampler records no child of a span that is not recorded, which then need not be
    started.
    """

    def __init__(
        self,
        sampler: Sampler,
        ids: TraceIds,
        limits: SpanLimits,
        resource: Resource,
        sink: Sink,
        *,
        follow_parents: bool,
    ) -> None:
        self._sampler = sampler
        self._ids = ids
        self._most = limits.max_span_attributes
        self._longest = limits.max_span_attribute_length
        self._bounded = self._longest is not None or (self._most is not None and self._most < FIELDS_MAX)
        self._resource = resource
        self._sink = sink
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
        begun = time_ns()
        if parent is None:
            trace_id, around = self._ids.take(), NOWHERE
        else:
            trace_id = parent.trace_id
            around = set_span_in_context(NonRecordingSpan(_context(parent, remote=True)), NOWHERE)
        linked = [Link(_context(each, remote=True)) for each in links]
        result = self._sampler.should_sample(around, trace_id, name, kind, fields, linked)
        recorded = result.decision is Decision.RECORD_AND_SAMPLE
        state = result.trace_state.to_header() if result.trace_state else ""
        where = TraceContext(trace_id, getrandbits(64) or 1, recorded, state)
        known = {**fields, **(result.attributes or {})} if recorded else {}
        return Span(where, recorded, name, kind, known, parent, links, begun, self)

    def send(self, span: Span, status: Status) -> None:
        """Hand a recorded span to the SDK; it ends now."""
        fields: Any = span.fields
        if self._bounded:
            fields = BoundedAttributes(self._most, fields, immutable=True, max_value_len=self._longest)
        self._sink(
            ReadableSpan(
                span.name,
                context=_context(span.where, remote=False),
                parent=None if span.parent is None else _context(span.parent, remote=True),
                resource=self._resource,
                attributes=fields,
                links=[Link(_context(each, remote=True), {}) for each in span.links],
                kind=span.kind,
                status=status,
                start_time=span.begun,
                end_time=time_ns(),
                instrumentation_scope=SCOPE,
            )
        )


def _context(where: TraceContext, *, remote: bool) -> SpanContext:
    return SpanContext(
        where.trace_id,
        where.span_id,
        is_remote=remote,
        trace_flags=TraceFlags(TraceFlags.SAMPLED if where.sampled else TraceFlags.DEFAULT),
        trace_state=TraceState.from_header([where.state]) if where.state else TraceState(),
    )
