"""Requests of browsers: those of pages that are not allowed get 403, allowed pages may read their answers (CORS)."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from tidegate.api.status import HTTP_STATUS, rest_error_body
from tidegate.core.errors import PermissionDenied
from tidegate.servers.call import AsgiApp, Headers, Receive, Scope, Send
from tidegate.servers.origins import Origins
from tidegate.servers.respond import respond
from tidegate.servers.rest.body import drop_body

PREFLIGHT_AGE: Final = b"600"
"""Seconds for which a browser may keep the answer to a preflight. A restart may change what is allowed."""


class Cors:
    """An ASGI application: requests that ``origins`` allows go to ``others``, the rest are refused with 403."""

    def __init__(self, origins: Origins, others: AsgiApp) -> None:
        self._origins = origins
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            origin = self._origins.allow(scope["method"], scope["path"], scope["headers"])
        except PermissionDenied as error:
            await drop_body(receive)
            await respond(scope["method"], send, HTTP_STATUS[error.code], rest_error_body(error))
            return
        if origin is None:
            await self._others(scope, receive, send)
            return
        readable = [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]
        if (permissions := _asked_before(scope)) is not None:
            await drop_body(receive)
            await send({"type": "http.response.start", "status": 204, "headers": [*readable, *permissions]})
            await send({"type": "http.response.body", "body": b""})
            return
        await self._others(scope, receive, _adding(readable, send))


def _asked_before(scope: Scope) -> Headers | None:
    """The headers that answer a preflight: any method and header is allowed, since BufferTask copies those of its call
    into the task. None for a request that is no preflight.
    """
    if scope["method"] != "OPTIONS":
        return None
    headers = dict(scope["headers"])
    method = headers.get(b"access-control-request-method")
    if method is None:
        return None
    allowed = [(b"access-control-allow-methods", method), (b"access-control-max-age", PREFLIGHT_AGE)]
    wanted = headers.get(b"access-control-request-headers")
    return allowed if wanted is None else [*allowed, (b"access-control-allow-headers", wanted)]


def _adding(added: Headers, send: Send) -> Send:
    """``send`` that adds these headers to the answer."""

    async def adding(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return adding
