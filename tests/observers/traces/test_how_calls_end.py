"""What the span of a call says of its end, and when it counts as a failure of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import StatusCode

from tidegate.core.errors import ApiError, Code, NotFound, Unavailable
from tidegate.core.histogram import Histogram
from tidegate.observers.traces.calls import CallSpans
from tidegate.observers.traces.fields import Fields
from tidegate.observers.traces.sampling import ALL, TraceIds
from tidegate.observers.traces.spans import Spans
from tidegate.observers.traces.streams import StreamSpans

CALL = SimpleNamespace(scope={"headers": []})
ENDS = [
    (None, "OK", None, StatusCode.UNSET, None),
    (NotFound("No such task."), "NOT_FOUND", "NOT_FOUND", StatusCode.UNSET, None),
    (Unavailable("The store is away."), "UNAVAILABLE", "UNAVAILABLE", StatusCode.ERROR, "The store is away."),
    (asyncio.CancelledError(), "CANCELLED", "CANCELLED", StatusCode.UNSET, None),
    (ZeroDivisionError("secret"), "INTERNAL", "INTERNAL", StatusCode.ERROR, "ZeroDivisionError"),
]
EACH = pytest.mark.parametrize(
    ("error", "code", "kind", "status", "said"), ENDS, ids=[type(each[0]).__name__ for each in ENDS]
)


def outcome(code: Code) -> Fields:
    return {"code": code.name}


def recording(out: list[ReadableSpan]) -> Spans:
    return Spans(ALWAYS_ON, TraceIds(ALL), SpanLimits(), Resource({}), out.append, follow_parents=True)


def ended(out: list[ReadableSpan]) -> tuple[Any, Any, StatusCode, str | None]:
    (span,) = out
    fields = span.attributes or {}
    return fields["code"], fields.get("error.type"), span.status.status_code, span.status.description


@EACH
async def test_a_call(
    error: BaseException | None, code: str, kind: str | None, status: StatusCode, said: str | None
) -> None:
    async def answer(_request: Any, _call: Any) -> str:
        if error is not None:
            raise error
        return "answer"

    out: list[ReadableSpan] = []
    durations = Histogram((1.0,))
    spans = CallSpans(answer, recording(out), "CreateTask", {}, outcome=outcome, durations=lambda: durations)

    with suppress(ApiError, asyncio.CancelledError, ZeroDivisionError):
        assert await spans.answer(SimpleNamespace(), CALL) == "answer"
        assert error is None

    assert ended(out) == (code, kind, status, said)
    assert durations.exemplars


@EACH
async def test_a_stream(
    error: BaseException | None, code: str, kind: str | None, status: StatusCode, said: str | None
) -> None:
    async def responses() -> AsyncGenerator[int, None]:
        yield 1
        if error is not None:
            raise error

    async def answer(_request: Any, _call: Any) -> AsyncGenerator[int, None]:
        return responses()

    out: list[ReadableSpan] = []
    spans = StreamSpans(answer, recording(out), "WatchEvents", {}, outcome=outcome)
    stream = await spans.answer(SimpleNamespace(), CALL)

    with suppress(ApiError, asyncio.CancelledError, ZeroDivisionError):
        assert [each async for each in stream] == [1]
        assert error is None
    await stream.aclose()

    assert ended(out) == (code, kind, status, said)


async def test_a_stream_that_nobody_reads_to_its_end_is_cancelled() -> None:
    async def responses() -> AsyncGenerator[int, None]:
        yield 1
        yield 2

    async def answer(_request: Any, _call: Any) -> AsyncGenerator[int, None]:
        return responses()

    out: list[ReadableSpan] = []
    stream = await StreamSpans(answer, recording(out), "WatchEvents", {}, outcome=outcome).answer(
        SimpleNamespace(), CALL
    )

    assert await anext(stream) == 1
    await stream.aclose()

    assert ended(out) == ("CANCELLED", "CANCELLED", StatusCode.UNSET, None)
