"""Whether the standard variables of OpenTelemetry ask for traces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

EXPORTER: Final = "OTEL_TRACES_EXPORTER"
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
DISABLED: Final = "OTEL_SDK_DISABLED"


def asks_for_traces(environ: Mapping[str, str]) -> bool:
    """Whether an exporter of traces is named, or a place to send them to; unless it is ``none``, or all is disabled."""
    if environ.get(DISABLED, "").strip().lower() == "true":
        return False
    exporter = environ.get(EXPORTER, "").strip().lower()
    return exporter != "none" if exporter else any(environ.get(name, "").strip() for name in ENDPOINTS)
