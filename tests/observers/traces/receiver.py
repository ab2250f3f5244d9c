"""A collector of OTLP, over HTTP and over gRPC: what it is sent is read by the SDK's own messages."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from gzip import decompress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from tests.endtoend.waiting import eventually


class Received(NamedTuple):
    """A span as it was sent, with the attributes of its resource."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    links: list[tuple[str, str]]
    fields: dict[str, Any]
    resource: dict[str, Any]
    failed: bool
    status: str
    state: str


class Spans:
    """What a collector has been sent so far."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.all: list[Received] = []

    def take(self, request: ExportTraceServiceRequest) -> None:
        for of_resource in request.resource_spans:
            resource = _plain(of_resource.resource.attributes)
            for scope in of_resource.scope_spans:
                self.all += [_received(span, resource) for span in scope.spans]

    def named(self, part: str) -> list[Received]:
        return [span for span in list(self.all) if part in span.name]

    def wait_for(self, part: str, count: int = 1) -> list[Received]:
        """So many spans with this in their names, in the order in which they came."""
        eventually(f"{count} spans {part!r}, of {self.all}", lambda: len(self.named(part)) >= count)
        return self.named(part)


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def _received(span: Any, resource: dict[str, Any]) -> Received:
    return Received(
        span.name,
        span.kind,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        _plain(span.attributes),
        resource,
        span.status.code == 2,
        span.status.message,
        span.trace_state,
    )


@contextmanager
def over_http() -> Iterator[Spans]:
    spans = Spans("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = decompress(body)
            assert self.path == "/v1/traces"
            spans.take(ExportTraceServiceRequest.FromString(body))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        spans.endpoint = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield spans
        finally:
            server.shutdown()


@contextmanager
def over_grpc() -> Iterator[Spans]:
    spans = Spans("")

    class Collector(trace_service_pb2_grpc.TraceServiceServicer):
        def Export(self, request: Any, context: Any) -> Any:  # noqa: N802 - the service's name
            spans.take(request)
            return ExportTraceServiceResponse()

    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Collector(), server)
    spans.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield spans
    finally:
        server.stop(None).wait()
