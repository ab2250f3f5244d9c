"""A span for each stream of responses, from its request to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from functools import partial
from typing import Any, TypeAlias

from tidegate.observers.traces.calls import MethodSpans, parent_of, request_fields
from tidegate.observers.traces.current import within

Responses: TypeAlias = AsyncGenerator[Any, None]
End: TypeAlias = Callable[[BaseException | None], None]


class StreamSpans(MethodSpans):
    """Puts a span around each call of one method that is answered with a stream. A stream that its client ends, or the
    server as it stops, is CANCELLED.
    """

    __slots__ = ()

    async def answer(self, request: Any, call: Any) -> Responses:
        """The same answer."""
        parent = parent_of(call.scope["headers"])
        responses: Responses
        span = self._start(parent) if self._spans.wanted(parent) else None
        if span is None or not span.recorded:
            responses = await self._answer(request, call)
            return responses
        span.fields |= request_fields(request)
        ending = _Ending(partial(self._end, span))
        try:
            with within(span.where):
                responses = await self._answer(request, call)
        except BaseException as error:
            ending.by(error)
            raise
        return _Followed(responses, ending)


class _Ending:
    """Ends a span once, by ``end``."""

    def __init__(self, end: End) -> None:
        self._end: End | None = end

    def by(self, error: BaseException) -> None:
        """What the stream raised last: its own end, that of its reader, or what went wrong."""
        end, self._end = self._end, None
        if end is None:
            return
        if isinstance(error, StopAsyncIteration):
            end(None)
        else:
            end(asyncio.CancelledError() if isinstance(error, GeneratorExit) else error)


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
