"""Which traces that begin here are recorded, told before a span is made.

The SDK's samplers decide by the trace's ID alone, unless there is a parent. Asking them takes some microseconds, and
looking at the ID a tenth of one, for the same answer. Of the IDs that pass the sampler is asked in turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import getrandbits
from typing import Final

from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

SAMPLER: Final = "OTEL_TRACES_SAMPLER"
ARGUMENT: Final = "OTEL_TRACES_SAMPLER_ARG"
ALL: Final = 1 << 64


def root_bound(environ: Mapping[str, str]) -> int:
    """Below which number the lower half of a trace's ID must be for it to be recorded. ``ALL`` of them where the
    sampler is one that has to be asked each time.
    """
    name = environ.get(SAMPLER, "").strip().lower().removeprefix("parentbased_")
    if name == "always_off":
        return 0
    if name != "traceidratio":
        return ALL
    try:
        rate = float(environ.get(ARGUMENT, ""))
    except ValueError:
        return ALL
    return TraceIdRatioBased.get_bound_for_rate(rate) if 0 <= rate <= 1 else ALL


def follows_parents(environ: Mapping[str, str]) -> bool:
    """Whether the sampler records no child of a span that is not recorded, as the SDK's does unless told otherwise."""
    name = environ.get(SAMPLER, "").strip().lower()
    return not name or name.startswith("parentbased_always") or name == "parentbased_traceidratio"


class TraceIds:
    """IDs of new traces. What ``bound`` rules out is not recorded, and needs no span."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._drawn = 0

    def begins(self) -> bool:
        """Draw the ID of a new trace: whether it may be recorded. If so a span must be made at once."""
        low = getrandbits(64)
        if low >= self._bound:
            return False
        self._drawn = getrandbits(64) << 64 | low
        return True

    def take(self) -> int:
        """The ID that was drawn last, else a new one."""
        drawn, self._drawn = self._drawn, 0
        return drawn or getrandbits(128) or 1
