"""The HTTP server: h2corn, in this process and on its event loop.

It reads and writes sockets on threads of its own and speaks HTTP/1.1 and HTTP/2 on one port, with and without TLS. Its
limits are set here. What it cannot limit is in ``docs/operating.md``.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path
from typing import Final, NamedTuple

import h2corn
import h2corn._lib

from tidegate.servers.call import AsgiApp
from tidegate.servers.framing import MESSAGE_MAX

HANDSHAKE_TIMEOUT: Final = 10.0
"""Seconds for the handshakes of a new connection, TLS included."""
HEADERS_TIMEOUT: Final = 10.0
"""Seconds of silence in the middle of a request's head."""
BODY_IDLE_TIMEOUT: Final = 60.0
"""Seconds of silence in the middle of a body."""
CONNECTION_IDLE_TIMEOUT: Final = 620.0
"""Seconds for which a connection may have no request: longer than load balancers keep theirs (Google's: 600)."""
ANSWER_STALL_TIMEOUT: Final = 300.0
"""Seconds for which a client may leave an answer unread."""

THREADS_MAX: Final = 2
"""Threads that read and write sockets, where there are twice as many cores: the event loop and the writer need theirs.
On two cores one thread saves a create 6 % of its processor time."""

STREAMS_MAX: Final = 256
"""Calls at once on one HTTP/2 connection. Clients queue further ones."""
HEADERS_SIZE_MAX: Final = 96 * 1024
"""Bytes of a request's head; long filters and page tokens travel in the path."""
HEADERS_COUNT_MAX: Final = 200
BODY_MAX: Final = 2 * MESSAGE_MAX
"""Bytes of a body after which reading stops. The limits of calls are lower, and are refused with an error."""

STREAMS: Final = ("/grpc.reflection.v1.ServerReflection/*", "/grpc.reflection.v1alpha.ServerReflection/*")
"""Calls whose client may pause between its messages."""

CONNECTIONS_MAX: Final = 100_000
"""Connections at once, where the system grants as many file descriptors. One address has 64,512 ports to connect from,
so that it alone cannot lock the others out."""
OUTGOING_FILES: Final = 2048
"""File descriptors kept for connections to handlers and for the store."""

# Large enough that a message of 128 MiB does not wait for round trips, small enough to bound the bytes of many uploads.
STREAM_WINDOW: Final = 4 * 1024 * 1024
CONNECTION_WINDOW: Final = 16 * 1024 * 1024

LAST_WORDS: Final = 1.0
"""Seconds in which the last answers are written when the server ends."""
REPLACED_CUT_AFTER: Final = 3600.0
"""Seconds that calls may go on over connections that were made with certificates which have been replaced."""

# There is no setting that turns its banner off. Only our own line may be printed.
h2corn._lib.emit_banner = lambda *_: None  # noqa: SLF001


class Tls(NamedTuple):
    """Paths of PEM files. With ``client_ca`` a client must show a certificate that it signed, or may with
    ``optional``.
    """

    cert: str | Path
    key: str | Path
    client_ca: str | Path | None = None
    optional: bool = False

    @property
    def files(self) -> list[str | Path]:
        return [file for file in self[:3] if file is not None]


class HttpServer:
    """Serves an ASGI application on a listening socket, from ``open`` to ``close``."""

    def __init__(self, app: AsgiApp, listener: socket.socket, tls: Tls | None, *, files: int) -> None:
        self._app = app
        self._listener = listener
        self._tls = tls
        self._files = files
        self._server: h2corn.Server | None = None
        self._serving: asyncio.Task[None] | None = None
        self._replaced: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Accept connections. Raises ValueError when the certificates cannot be used."""
        self._server, self._serving = await self._opened()

    async def renew(self) -> None:
        """Serve new connections with the certificates as their files are now; open calls go on.

        Raises ValueError when they cannot be used; then nothing has changed.
        """
        if self._server is None or self._serving is None:
            return
        old, serving = self._server, self._serving
        self._server, self._serving = await self._opened()
        self._replaced.add(serving)
        serving.add_done_callback(self._replaced.discard)
        old.shutdown()

    async def close(self) -> None:
        """Accept nothing more, write the last answers, and close every connection."""
        if self._server is None or self._serving is None:
            return
        self._server.shutdown()
        await asyncio.wait({self._serving, *self._replaced}, timeout=LAST_WORDS)

    async def _opened(self) -> tuple[h2corn.Server, asyncio.Task[None]]:
        server = h2corn.Server(self._app, self._config())
        serving = asyncio.ensure_future(server.serve())
        started = asyncio.ensure_future(server.wait_started())
        await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
        if serving.done():
            serving.result()
        return server, serving

    def _bound(self) -> str:
        """What to listen on, in h2corn's words."""
        if sys.platform == "win32":  # a socket has no file descriptor there
            ip, port, *_ = self._listener.getsockname()
            self._listener.close()
            return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
        return f"fd://{self._listener.fileno()}"

    def _config(self) -> h2corn.Config:
        tls = self._tls
        return h2corn.Config(
            bind=(self._bound(),),
            lifespan="off",
            runtime_threads=max(1, min(THREADS_MAX, (os.cpu_count() or 1) // 2)),
            access_log=False,
            grpc=True,
            response_headers=("server: tidegate",),
            certfile=Path(tls.cert) if tls else None,
            keyfile=Path(tls.key) if tls else None,
            ca_certs=Path(tls.client_ca) if tls and tls.client_ca else None,
            cert_reqs=("optional" if tls.optional else "required") if tls and tls.client_ca else "none",
            max_concurrent_streams=STREAMS_MAX,
            limit_connections=max(1, min(CONNECTIONS_MAX, self._files - OUTGOING_FILES)),
            limit_request_head_size=HEADERS_SIZE_MAX,
            limit_request_line=HEADERS_SIZE_MAX,
            limit_request_field_size=HEADERS_SIZE_MAX,
            limit_request_fields=HEADERS_COUNT_MAX,
            h2_max_header_list_size=HEADERS_SIZE_MAX,
            h2_max_header_block_size=HEADERS_SIZE_MAX,
            h2_initial_stream_window_size=STREAM_WINDOW,
            h2_initial_connection_window_size=CONNECTION_WINDOW,
            request_policies=(
                *(_policy(path, 0.0) for path in STREAMS),
                _policy("/*", BODY_IDLE_TIMEOUT),  # gRPC has no limits but these
            ),
            timeout_handshake=HANDSHAKE_TIMEOUT,
            timeout_request_header=HEADERS_TIMEOUT,
            timeout_keep_alive=CONNECTION_IDLE_TIMEOUT,
            h2_timeout_write=ANSWER_STALL_TIMEOUT,
            timeout_graceful_shutdown=REPLACED_CUT_AFTER,
        )


def _policy(path: str, body_idle: float) -> h2corn.RequestPolicy:
    return h2corn.RequestPolicy(
        path=path,
        max_request_body_size=BODY_MAX,
        timeout_request_body_idle=body_idle,
        h2_timeout_response_stall=ANSWER_STALL_TIMEOUT,
    )
