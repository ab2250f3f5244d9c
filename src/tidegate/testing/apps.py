"""Calling an application without a socket: ASGI, WSGI (Flask, Django) or a function."""

from __future__ import annotations

import inspect
import io
import sys
from collections.abc import Callable, Iterable, MutableMapping
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import unquote, urlsplit

from tidegate.testing.handler_request import HandlerRequest

Handler: TypeAlias = Callable[[HandlerRequest], Any]
"""Answers a status, or a status and headers; may be a coroutine function."""


class Answer(NamedTuple):
    """What a handler answered."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def is_asgi(app: Any) -> bool:
    """Whether an application is called as ASGI has it."""
    call = app if inspect.isfunction(app) or inspect.ismethod(app) else getattr(app, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(call)


def call_wsgi(app: Any, request: HandlerRequest) -> Answer:
    """The answer of a WSGI application, called in this thread. Raises what it raises."""
    where = urlsplit(request.url)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(where.path or "/", encoding="latin-1"),
        "QUERY_STRING": where.query,
        "SERVER_NAME": where.hostname or "localhost",
        "SERVER_PORT": str(where.port or (443 if where.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(request.body)),
        "HTTP_HOST": where.netloc.rpartition("@")[2],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": where.scheme,
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.sent_headers:
        key = name.upper().replace("-", "_")
        key = key if key == "CONTENT_TYPE" else f"HTTP_{key}"
        environ[key] = f"{environ[key]},{value}" if key in environ and key != "CONTENT_TYPE" else value
    started: list[tuple[str, list[tuple[str, str]]]] = []
    written: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:  # noqa: ARG001
        started.append((status, headers))
        return written.append

    result: Iterable[bytes] = app(environ, start_response)
    try:
        written.extend(result)
    finally:
        close = getattr(result, "close", None)
        if close is not None:
            close()
    status, headers = started[-1]
    return Answer(int(status.split()[0]), tuple(headers), b"".join(written))


async def call_asgi(app: Any, request: HandlerRequest) -> Answer:
    """The answer of an ASGI application, called in this event loop. Raises what it raises."""
    where = urlsplit(request.url)
    host = where.netloc.rpartition("@")[2]
    headers = [(b"host", host.encode())]
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.sent_headers]
    headers.append((b"content-length", str(len(request.body)).encode()))
    path = where.path or "/"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": where.scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": where.query.encode(),
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 123),
        "server": (where.hostname or "localhost", where.port or (443 if where.scheme == "https" else 80)),
    }
    bodies = [{"type": "http.request", "body": request.body, "more_body": False}]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return bodies.pop() if bodies else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    answered = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start.get("headers", ()))
    return Answer(start["status"], answered, body)


def read_answer(said: Any) -> Answer:
    """What a handler function answered: a status, or a status and headers."""
    if isinstance(said, tuple):
        status, headers = said
        return Answer(int(status), tuple((str(name), str(value)) for name, value in dict(headers).items()))
    return Answer(int(said))
