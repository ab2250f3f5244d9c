"""Spans that are handed to the SDK whole are sent as the SDK's own."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased, Sampler
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, TraceState
from opentelemetry.trace.propagation import set_span_in_context

from tidegate import __version__
from tidegate.core.trace_context import TraceContext
from tidegate.observers.traces.sampling import ALL, TraceIds
from tidegate.observers.traces.spans import Spans

PARENT = TraceContext(0xABC, 0xDEF, sampled=True, state="rojo=1")
FIELDS: dict[str, Any] = {"messaging.system": "tidegate", "http.response.status_code": 503, "share": 0.5, "again": True}
RESOURCE = Resource({"service.name": "tidegate"})


class Kept(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Any) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


def ours(parent: TraceContext | None, limits: SpanLimits | None = None, error: str | None = None) -> ReadableSpan:
    sent: list[ReadableSpan] = []
    spans = Spans(ALWAYS_ON, TraceIds(ALL), limits or SpanLimits(), RESOURCE, sent.append, follow_parents=True)
    span = spans.start("dispatch", SpanKind.CLIENT, FIELDS, parent=parent, links=[parent] if parent else [])
    span.fields["url.full"] = "http://handler.test/work"
    span.end(error)
    (only,) = sent
    return only


def theirs(parent: TraceContext | None, limits: SpanLimits | None = None, error: str | None = None) -> ReadableSpan:
    kept = Kept()
    provider = TracerProvider(sampler=ALWAYS_ON, resource=RESOURCE, span_limits=limits or SpanLimits())
    provider.add_span_processor(SimpleSpanProcessor(kept))
    around, links = None, []
    if parent is not None:
        sampled, state = TraceFlags(TraceFlags.SAMPLED), TraceState.from_header([parent.state])
        context = SpanContext(parent.trace_id, parent.span_id, is_remote=True, trace_flags=sampled, trace_state=state)
        around, links = set_span_in_context(NonRecordingSpan(context)), [Link(context)]
    tracer = provider.get_tracer("tidegate", __version__)
    span = tracer.start_span("dispatch", around, SpanKind.CLIENT, FIELDS, links)
    span.set_attribute("url.full", "http://handler.test/work")
    if error is not None:
        span.set_status(StatusCode.ERROR, error)
    span.end()
    (only,) = kept.spans
    return only


def sent(span: ReadableSpan) -> Any:
    """As it goes out, without what differs from span to span."""
    message = encode_spans([span])
    (only,) = message.resource_spans[0].scope_spans[0].spans
    assert only.end_time_unix_nano >= only.start_time_unix_nano > 10**18
    assert len(only.span_id) == 8
    assert len(only.trace_id) == 16
    for field in ("span_id", "start_time_unix_nano", "end_time_unix_nano"):
        only.ClearField(field)
    if not only.parent_span_id:
        only.ClearField("trace_id")
    return message


@pytest.mark.parametrize("error", [None, "timed out"])
@pytest.mark.parametrize("parent", [None, PARENT], ids=["root", "child"])
@pytest.mark.parametrize(
    "limits", [None, SpanLimits(max_span_attributes=3), SpanLimits(max_attribute_length=4)], ids=str
)
def test_a_span_goes_out_as_one_that_the_sdk_made(
    parent: TraceContext | None, limits: SpanLimits | None, error: str | None
) -> None:
    assert sent(ours(parent, limits, error)) == sent(theirs(parent, limits, error))
    assert ours(parent).to_json()  # as the exporter to the console writes it


@pytest.mark.parametrize(
    ("sampler", "parent", "recorded"),
    [
        (ALWAYS_OFF, None, False),
        (ALWAYS_OFF, PARENT, False),
        (ParentBased(ALWAYS_OFF), PARENT, True),
        (ParentBased(ALWAYS_ON), TraceContext(1, 2, sampled=False), False),
        (ALWAYS_ON, TraceContext(1, 2, sampled=False), True),
    ],
)
def test_the_sampler_decides(sampler: Sampler, parent: TraceContext | None, recorded: bool) -> None:
    out: list[ReadableSpan] = []
    spans = Spans(sampler, TraceIds(ALL), SpanLimits(), RESOURCE, out.append, follow_parents=False)
    span = spans.start("call", SpanKind.SERVER, {}, parent=parent)
    span.end()
    assert (span.recorded, span.where.sampled, len(out)) == (recorded, recorded, int(recorded))
    if parent is not None:
        assert span.where.trace_id == parent.trace_id
