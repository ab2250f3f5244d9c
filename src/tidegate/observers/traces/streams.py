"""A span for each stream of responses, from its request to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from opentelemetry.trace import SpanKind

from tidegate.core.errors import ApiError, Code
from tidegate.observers.traces.calls import FAULTS, end, parent_of, request_fields
from tidegate.observers.traces.current import within
from tidegate.observers.traces.fields import Fields
from tidegate.observers.traces.spans import Span, Spans

Responses: TypeAlias = AsyncGenerator[Any, None]
Answer: TypeAlias = Callable[..., Awaitable[Responses]]


class StreamSpans:
    """Puts a span around each call of one method, which ``answer`` answers with a stream. ``outcome`` says what of a
    code stands in the span. A stream that its client ends, or the server as it stops, is CANCELLED.
    """

    __slots__ = ("_answer", "_fields", "_name", "_outcome", "_spans")

    def __init__(
        self, answer: Answer, spans: Spans, name: str, fields: Mapping[str, Any], *, outcome: Callable[[Code], Fields]
    ) -> None:
        self._answer = answer
        self._spans = spans
        self._name = name
        self._fields = fields
        self._outcome = outcome

    async def answer(self, request: Any, call: Any) -> Responses:
        """The same answer."""
        parent = parent_of(call.scope["headers"])
        if not self._spans.wanted(parent):
            return await self._answer(request, call)
        span = self._spans.start(self._name, SpanKind.SERVER, self._fields, parent=parent)
        if not span.recorded:
            return await self._answer(request, call)
        span.fields |= request_fields(request)
        ending = _Ending(span, self._outcome)
        try:
            with within(span.where):
                responses = await self._answer(request, call)
        except BaseException as error:
            ending.by(error)
            raise
        return _Followed(responses, ending)


class _Ending:
    """Ends a span once."""

    def __init__(self, span: Span, outcome: Callable[[Code], Fields]) -> None:
        self._span: Span | None = span
        self._outcome = outcome

    def by(self, error: BaseException | None) -> None:
        """What ended it; None for its own end."""
        code = _code_of(error)
        span, self._span = self._span, None
        if span is None:
            return
        wrong = None
        if code in FAULTS:
            wrong = error.message if isinstance(error, ApiError) else type(error).__name__
        end(span, self._outcome(code), code, wrong)


def _code_of(error: BaseException | None) -> Code:
    if error is None or isinstance(error, StopAsyncIteration):
        return Code.OK
    if isinstance(error, ApiError):
        return error.code
    return Code.CANCELLED if isinstance(error, asyncio.CancelledError | GeneratorExit) else Code.INTERNAL


class _Followed(AsyncGenerator[Any, None]):
    """The same responses; tells how they end, also when nobody asked for the first."""

    def __init__(self, responses: Responses, ending: _Ending) -> None:
        self._responses = responses
        self._ending = ending

    async def asend(self, value: None) -> Any:
        try:
            return await self._responses.asend(value)
        except BaseException as error:
            self._ending.by(error)
            raise

    async def athrow(self, *thrown: Any) -> Any:
        try:
            return await self._responses.athrow(*thrown)
        except BaseException as error:
            self._ending.by(error)
            raise

    async def aclose(self) -> None:
        try:
            await self._responses.aclose()
        finally:
            self._ending.by(GeneratorExit())
