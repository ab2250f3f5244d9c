"""Which trace something belongs to, as W3C Trace Context writes it in headers, and as a task keeps it.

https://www.w3.org/TR/trace-context/
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

STATE_MAX: Final = 512
"""Characters of a ``tracestate`` that is passed on; a longer one is left out, as the recommendation allows."""

NOT_SAMPLED: Final = b"\0"
"""What a task keeps whose creation was not sampled and came from no other trace: nobody can look for it, so its IDs
are not kept. Tasks by the thousand share these bytes.
"""

_PARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)
_STATE: Final = re.compile(r"[\x20-\x7e]*", re.ASCII)
_IDS: Final = 24  # bytes of both
_NAME: Final = len(TRACEPARENT)


class TraceContext(Struct, frozen=True, gc=False):
    """A span, by the IDs of its trace and its own, and whether its trace is recorded. ``state`` is a ``tracestate``."""

    trace_id: int
    span_id: int
    sampled: bool
    state: str = ""

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id:032x}-{self.span_id:016x}-{'01' if self.sampled else '00'}"

    def kept(self) -> bytes:
        """What a task keeps of its creation."""
        ids = (self.trace_id << 64 | self.span_id).to_bytes(_IDS, "big")
        return ids + (b"\1" if self.sampled else b"\0") + self.state.encode("ascii")


def parse(traceparent: str, tracestate: str = "") -> TraceContext | None:
    """The span that headers name; None when they name none, which is no error: the trace begins here then."""
    found = _PARENT.fullmatch(traceparent.strip(" \t"))
    if found is None:
        return None
    version, trace_id, span_id, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    fits = len(tracestate) <= STATE_MAX and _STATE.fullmatch(tracestate)
    sampled = bool(int(flags, 16) & 1)
    return TraceContext(int(trace_id, 16), int(span_id, 16), sampled, tracestate.strip(" ") if fits else "")


def names_a_trace(headers: Iterable[tuple[str, str]]) -> bool:
    for name, _ in headers:  # noqa: SIM110 - each attempt comes by here, and a generator takes twice as long
        if len(name) == _NAME and name.lower() == TRACEPARENT:
            return True
    return False


def read_kept(kept: bytes) -> TraceContext | None:
    """The creation that a task keeps; None when it keeps none, or ``NOT_SAMPLED``."""
    if len(kept) <= _IDS:
        return None
    ids = int.from_bytes(kept[:_IDS], "big")
    return TraceContext(ids >> 64, ids & (1 << 64) - 1, kept[_IDS] == 1, kept[_IDS + 1 :].decode("ascii", "replace"))
