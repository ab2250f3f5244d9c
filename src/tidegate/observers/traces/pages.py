"""A span for each page that an application of HTTP answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from opentelemetry.trace import SpanKind

from tidegate.observers.traces.attempts import creating
from tidegate.observers.traces.calls import parent_of
from tidegate.observers.traces.current import within
from tidegate.observers.traces.fields import http_fields
from tidegate.observers.traces.spans import Spans

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

FAULT: Final = 500
"""From this HTTP status on it is the server's fault."""


class PageSpans:
    """An ASGI application: ``app`` with a span around each request. ``route`` finds of a method and a path the route
    that stands in its span; None for requests without a span, such as those for files and for streams.
    """

    def __init__(self, app: App, spans: Spans, route: Callable[[str, str], str | None]) -> None:
        self._app = app
        self._spans = spans
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        verb = scope["method"]
        route = self._route(verb, scope["path"])
        if route is None:
            await self._app(scope, receive, send)
            return
        parent = parent_of(scope["headers"])
        if self._spans.wanted(parent):
            span = self._spans.start(f"{verb} {route}", SpanKind.SERVER, http_fields(verb, route), parent=parent)
            where = span.where
        elif parent is not None:
            span, where = None, parent
        else:
            await self._app(scope, receive, send)
            return
        if span is None or not span.recorded:
            with creating(where):
                await self._app(scope, receive, send)
            return
        status = 0

        async def noting(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        failure = ""
        try:
            with creating(where), within(where):
                await self._app(scope, receive, noting)
        except asyncio.CancelledError:
            raise
        except BaseException as error:
            failure = type(error).__name__
            raise
        finally:
            if status:
                span.fields["http.response.status_code"] = status
            if failure or status >= FAULT:
                span.fields["error.type"] = failure or str(status)
            span.end(failure if failure or status >= FAULT else None)
