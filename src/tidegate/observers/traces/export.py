"""The SDK's parts as the standard variables of OpenTelemetry describe them.

The SDK reads most of them itself: sampler, limits of spans, batches, endpoints, headers, certificates, resource. Read
here are which exporter and which protocol. https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

from tidegate import __version__
from tidegate.observers.traces.asked import ENDPOINTS, EXPORTER
from tidegate.observers.traces.sampling import TraceIds, follows_parents, root_bound
from tidegate.observers.traces.spans import Spans
from tidegate.operator_errors import OperatorError

PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
GRPC_PORT: Final = 4317
"""The port of OTLP over gRPC; without a protocol it tells one, as the two exporters do not understand each other."""
LAST_BATCH: Final = 5.0
"""Seconds that the last spans may take to be sent when the server stops."""

log = logging.getLogger(__name__)


class Export:
    """Sends spans to where the variables say. ``instance`` is what tells this process from others: its host and port.

    Raises OperatorError for an exporter or a protocol that there is not.
    """

    def __init__(self, environ: Mapping[str, str], instance: str) -> None:
        resource = _resource(instance)
        processor = BatchSpanProcessor(_exporter(environ))
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor)
        self.spans = Spans(
            self._provider.sampler,  # of the variables
            TraceIds(root_bound(environ)),
            SpanLimits(),  # of the variables, too
            resource,
            processor.on_end,
            follow_parents=follows_parents(environ),
        )

    async def close(self) -> None:
        """Send what is left, for ``LAST_BATCH`` seconds at most."""
        ending = asyncio.get_running_loop().run_in_executor(None, self._provider.shutdown)
        done, _ = await asyncio.wait([ending], timeout=LAST_BATCH)
        if not done:
            log.warning("the last spans could not be sent within %g s", LAST_BATCH)


class _Known(Resource):
    """A resource whose hash is known: the exporter asks each span for it, and it takes 15 us."""

    def __init__(self, of: Resource) -> None:
        super().__init__(of.attributes, of.schema_url)
        self._hash = super().__hash__()

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return self is other or super().__eq__(other)


def _resource(instance: str) -> Resource:
    resource = Resource.create({"service.version": __version__, "service.instance.id": instance})
    if str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service"):
        resource = resource.merge(Resource({SERVICE_NAME: "tidegate"}))
    return _Known(resource)


def _exporter(environ: Mapping[str, str]) -> SpanExporter:
    name = environ.get(EXPORTER, "").strip().lower() or "otlp"
    if name == "console":
        return ConsoleSpanExporter()
    if name != "otlp":
        raise OperatorError(f"{EXPORTER}={name} is not one of otlp, console, none")
    protocol = next((environ[each].strip() for each in PROTOCOLS if environ.get(each, "").strip()), None)
    match protocol or _usual_protocol(environ):
        case "grpc":
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc  # noqa: PLC0415

            return Grpc()
        case "http/protobuf":
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http  # noqa: PLC0415

            return Http()
        case other:
            raise OperatorError(f"{PROTOCOLS[1]}={other} is not one of grpc, http/protobuf")


def _usual_protocol(environ: Mapping[str, str]) -> str:
    endpoint = next((environ[each] for each in ENDPOINTS if environ.get(each, "").strip()), "")
    try:
        port = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}").port
    except ValueError:
        port = None
    return "grpc" if port == GRPC_PORT else "http/protobuf"
