"""What is told before a span is made is what the SDK's samplers say."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import SpanKind

from tidegate.observers.traces.asked import asks_for_traces
from tidegate.observers.traces.sampling import ALL, TraceIds, follows_parents, root_bound
from tidegate.observers.traces.spans import Spans


@pytest.mark.parametrize(
    ("sampler", "argument", "bound"),
    [
        ("", "", ALL),
        ("always_on", "", ALL),
        ("parentbased_always_on", "", ALL),
        ("always_off", "", 0),
        ("parentbased_always_off", "", 0),
        ("traceidratio", "0.25", ALL // 4),
        ("parentbased_traceidratio", "0.5", ALL // 2),
        ("ParentBased_TraceIdRatio", "0", 0),
        ("traceidratio", "", ALL),
        ("traceidratio", "lots", ALL),
        ("traceidratio", "7", ALL),
        ("somebody_elses", "0.1", ALL),
    ],
)
def test_the_bound_is_that_of_the_sampler(sampler: str, argument: str, bound: int) -> None:
    assert root_bound({"OTEL_TRACES_SAMPLER": sampler, "OTEL_TRACES_SAMPLER_ARG": argument}) == bound


@pytest.mark.parametrize("rate", [0.01, 0.3])
def test_as_many_traces_begin_as_the_rate_says_and_the_sdk_records_each(rate: float) -> None:
    ids = TraceIds(TraceIdRatioBased.get_bound_for_rate(rate))
    spans = Spans(TraceIdRatioBased(rate), ids, SpanLimits(), Resource({}), lambda _span: None, follow_parents=True)
    tried, begun = 20_000, set()
    for _ in range(tried):
        if spans.begins():
            span = spans.start("call", SpanKind.SERVER, {})
            assert span.recorded
            begun.add(span.where.trace_id)
            span.end()
    expected = tried * rate
    assert abs(len(begun) - expected) < 6 * expected**0.5  # six deviations: once in a billion runs


@pytest.mark.parametrize(
    ("sampler", "follows"),
    [
        ("", True),
        ("parentbased_traceidratio", True),
        ("parentbased_always_on", True),
        ("always_on", False),
        ("x", False),
    ],
)
def test_only_samplers_that_follow_parents_need_not_be_asked_for_children(sampler: str, follows: bool) -> None:
    assert follows_parents({"OTEL_TRACES_SAMPLER": sampler}) is follows


@pytest.mark.parametrize(
    ("variables", "asked"),
    [
        ({}, False),
        ({"OTEL_SERVICE_NAME": "tidegate"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, False),
    ],
)
def test_traces_are_on_when_the_standard_variables_ask_for_them(variables: dict[str, str], asked: bool) -> None:
    assert asks_for_traces(variables) is asked
