"""Traces as a collector gets them: from a caller over the call, the attempt and the retry to the handler."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import httpx
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.cli.serving import served
from tests.endtoend.waiting import eventually
from tests.observers.traces.receiver import Spans, over_grpc, over_http

import tidegate

QUEUE = "projects/p/locations/here/queues/mail"
CALLER = "0af7651916cd43dd8448eb211c80319c"
SERVER, CLIENT = 2, 3  # Span.SpanKind
CREATE = "google.cloud.tasks.v2.CloudTasks/CreateTask"


class Arrivals:
    """What a handler got: it fails as often as it is told, and goes on with the trace."""

    def __init__(self, failures: int, goes_on: Callable[[dict[str, str]], None]) -> None:
        self.failures = failures
        self.goes_on = goes_on
        self.headers: list[dict[str, str]] = []
        self.url = ""

    def answer(self, headers: dict[str, str]) -> int:
        self.headers.append(headers)
        self.goes_on(headers)
        return 500 if len(self.headers) <= self.failures else 200


@contextmanager
def handling(
    failures: int = 0, goes_on: Callable[[dict[str, str]], None] = lambda _headers: None
) -> Iterator[Arrivals]:
    arrivals = Arrivals(failures, goes_on)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(arrivals.answer({name.lower(): value for name, value in self.headers.items()}))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        arrivals.url = f"http://127.0.0.1:{server.server_port}/work?secret=1"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield arrivals
        finally:
            server.shutdown()


def variables(spans: Spans, protocol: str = "http/protobuf", **more: str) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": spans.endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        **more,
    }


@contextmanager
def traced(spans: Spans, folder: Path, protocol: str = "http/protobuf", **more: str) -> Iterator[str]:
    """The address of a server with traces."""
    setup = ("--queue", QUEUE, "--store", "sqlite://:memory:")
    with served(*setup, directory=folder, variables=variables(spans, protocol, **more)) as address:
        yield address


def create(address: str, task: Any, *, parent: str = "") -> str:
    """Create a task over gRPC, as part of a caller's trace if it names one."""
    with tidegate.connect(address) as client:
        metadata = [("traceparent", parent)] if parent else []
        name: str = client.create_task(parent=QUEUE, task=task, metadata=metadata).name
        return name


def a_handler_that_goes_on(spans: Spans) -> tuple[Callable[[dict[str, str]], None], Callable[[], None]]:
    """A handler's own tracing, by the SDK, with the same collector; and what ends it."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(endpoint=f"{spans.endpoint}/v1/traces")))
    tracer = provider.get_tracer("handler")

    def goes_on(headers: dict[str, str]) -> None:
        with tracer.start_as_current_span("handle", context=extract(headers), kind=SpanKind.SERVER):
            pass

    return goes_on, provider.shutdown


def test_one_trace_leads_from_the_caller_over_call_attempt_and_retry_into_the_handler(tmp_path: Path) -> None:
    with over_http() as spans:
        goes_on, end = a_handler_that_goes_on(spans)
        with handling(1, goes_on) as handler, traced(spans, tmp_path) as address:
            task = tidegate.http_task(handler.url, body=b"0123456789")
            name = create(address, task, parent=f"00-{CALLER}-00f067aa0ba902b7-01")
            (call,) = spans.wait_for(CREATE)
            failed, delivered = spans.wait_for("dispatch", 2)
            first, second = spans.wait_for("handle", 2)
            page = openmetrics(address)
        end()
    assert (call.kind, call.trace, call.parent) == (SERVER, CALLER, "00f067aa0ba902b7")
    assert call.fields["rpc.system"] == "grpc"
    assert call.fields["rpc.service"] == "google.cloud.tasks.v2.CloudTasks"
    assert call.fields["rpc.method"] == "CreateTask"
    assert call.fields["rpc.grpc.status_code"] == 0
    assert call.fields["messaging.destination.name"] == QUEUE
    assert call.fields["messaging.message.id"] == name.rsplit("/", 1)[1]
    for attempt in (failed, delivered):
        assert attempt.name == f"dispatch {QUEUE}"
        assert (attempt.kind, attempt.trace, attempt.parent) == (CLIENT, CALLER, call.id)
        assert attempt.links == [(CALLER, call.id)]
        assert attempt.fields["messaging.message.id"] == name.rsplit("/", 1)[1]
        assert attempt.fields["messaging.message.body.size"] == 10
        assert attempt.fields["http.request.method"] == "POST"
        assert attempt.fields["url.full"] == handler.url.partition("?")[0]
        assert attempt.resource["service.name"] == "tidegate"
        assert attempt.resource["service.instance.id"] == address
    assert (failed.failed, failed.fields["http.response.status_code"], failed.fields["error.type"]) == (
        True,
        500,
        "500",
    )
    assert "http.request.resend_count" not in failed.fields
    assert (delivered.failed, delivered.fields["http.response.status_code"]) == (False, 200)
    assert delivered.fields["http.request.resend_count"] == 1
    assert [(each.trace, each.parent) for each in (first, second)] == [(CALLER, failed.id), (CALLER, delivered.id)]
    assert named_in(page, "tidegate_attempt_duration_seconds") <= {
        (each.trace, each.id) for each in (failed, delivered)
    }
    assert (delivered.trace, delivered.id) in named_in(page, "tidegate_attempt_duration_seconds")
    assert named_in(page, "tidegate_api_call_duration_seconds") == {(call.trace, call.id)}
    assert not any("secret" in str(span) or "0123456789" in str(span) for span in spans.all)


def test_traces_go_over_grpc_too_and_calls_over_rest_are_http_spans(tmp_path: Path) -> None:
    with over_grpc() as spans, handling() as handler, traced(spans, tmp_path, "grpc") as address:
        task = {"httpRequest": {"url": handler.url}}
        state = {"traceparent": f"00-{CALLER}-00f067aa0ba902b7-01", "tracestate": "rojo=00f067aa0ba902b7"}
        made = httpx.post(f"http://{address}/v2/{QUEUE}/tasks", json={"task": task}, headers=state, timeout=60)
        assert made.status_code == 200
        assert httpx.get(f"http://{address}/v2/{QUEUE}x", timeout=60).status_code == 404
        (call,) = spans.wait_for("POST /v2/")
        (attempt,) = spans.wait_for("dispatch")
        (refused,) = spans.wait_for("GET /v2/")
    assert call.name == "POST /v2/{parent=projects/*/locations/*/queues/*}/tasks"
    assert call.fields["http.request.method"] == "POST"
    assert call.fields["http.route"] == "/v2/{parent=projects/*/locations/*/queues/*}/tasks"
    assert call.fields["http.response.status_code"] == 200
    assert (call.trace, call.parent) == (CALLER, "00f067aa0ba902b7")
    assert (attempt.trace, attempt.parent, attempt.state) == (CALLER, call.id, state["tracestate"])
    assert handler.headers[0]["traceparent"] == f"00-{attempt.trace}-{attempt.id}-01"
    assert handler.headers[0]["tracestate"] == state["tracestate"]
    assert (refused.fields["http.response.status_code"], refused.fields["error.type"]) == (404, "NOT_FOUND")
    assert not refused.failed  # it is the caller's fault


def test_what_is_not_sampled_is_not_sent_and_handlers_are_told_so(tmp_path: Path) -> None:
    sampler = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    with over_http() as spans, handling() as handler, traced(spans, tmp_path, **sampler) as address:
        create(address, tidegate.http_task(handler.url))
        create(address, tidegate.http_task(handler.url), parent=f"00-{CALLER}-00f067aa0ba902b7-00")
        create(address, tidegate.http_task(handler.url), parent=f"00-{CALLER}-00f067aa0ba902b8-01")
        (call,) = spans.wait_for(CREATE)
        (attempt,) = spans.wait_for("dispatch")
    assert (call.parent, attempt.parent) == ("00f067aa0ba902b8", call.id)
    told = {headers["traceparent"].split("-")[1]: headers["traceparent"][-2:] for headers in handler.headers}
    assert len(handler.headers) == 3
    assert sorted(flag for headers in handler.headers for flag in [headers["traceparent"][-2:]]) == ["00", "00", "01"]
    assert CALLER in told  # who is not recorded goes on with its trace all the same
    assert len(spans.all) == 2


def test_a_task_outlives_a_restart_with_its_trace(tmp_path: Path) -> None:
    with over_http() as spans, handling() as handler:
        setup = ("--queue", QUEUE, "--store", "sqlite:///kept.db")
        with served(*setup, directory=tmp_path, variables=variables(spans)) as address:
            with tidegate.connect(address) as client:
                client.pause_queue(name=QUEUE)
                client.create_task(parent=QUEUE, task=tidegate.http_task(handler.url))
            (call,) = spans.wait_for(CREATE)
        with (
            served(*setup, directory=tmp_path, variables=variables(spans)) as address,
            tidegate.connect(address) as client,
        ):
            client.resume_queue(name=QUEUE)
            (attempt,) = spans.wait_for("dispatch")
    assert (attempt.trace, attempt.parent, attempt.links) == (call.trace, call.id, [(call.trace, call.id)])


def openmetrics(address: str) -> str:
    wanted = Request(f"http://{address}/metrics", headers={"Accept": "application/openmetrics-text"})
    with urlopen(wanted, timeout=60) as answer:
        text: str = answer.read().decode()
        return text


def named_in(page: str, family: str) -> set[tuple[str, str]]:
    return {
        (sample.exemplar.labels["trace_id"], sample.exemplar.labels["span_id"])
        for each in text_string_to_metric_families(page)
        if each.name == family
        for sample in each.samples
        if sample.exemplar is not None
    }


def test_a_collector_that_is_away_holds_nothing_up(tmp_path: Path) -> None:
    with over_http() as spans:
        """It is gone again."""
    with handling() as handler, traced(spans, tmp_path) as address:
        create(address, tidegate.http_task(handler.url))
        eventually("the task arrives", lambda: len(handler.headers) == 1)
