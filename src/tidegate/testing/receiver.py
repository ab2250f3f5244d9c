"""Where the attempts of a server in another process come in, and wait for the test's handlers."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from typing import Any

from tidegate.servers.address import listen, reserve, resolve
from tidegate.servers.http import OUTGOING_FILES, HttpServer
from tidegate.testing.apps import Answer
from tidegate.testing.handler_request import HandlerRequest
from tidegate.testing.loop_thread import run_loop
from tidegate.testing.real_time import real_loop

FILES = OUTGOING_FILES + 6000
"""File descriptors that it may count on: a queue may have 5,000 attempts under way, each with a connection."""
OF_THE_WAY = frozenset({"host", "content-length", "connection", "x-forwarded-host", "transfer-encoding"})
"""Headers that are of the connection, or tell that the URL was another one."""
QUEUE_HEADER = "x-tidegate-test-queue"
"""On attempts of a queue whose URLs were overridden: the receiver's secret, and the queue's full name."""
NOBODY = Answer(503)
"""What an attempt gets that no test waits for, or whose URL no handler takes."""


class _Waiting:
    """``Delivery``: an attempt that came over HTTP."""

    def __init__(self, request: HandlerRequest, loop: asyncio.AbstractEventLoop) -> None:
        self.request = request
        self._loop = loop
        self.answered: asyncio.Future[Answer] = loop.create_future()

    def answer(self, answer: Answer) -> None:
        self.request.status = answer.status
        self._loop.call_soon_threadsafe(self._set, answer)

    def refuse(self) -> None:
        self._loop.call_soon_threadsafe(self._set, NOBODY)

    def _set(self, answer: Answer) -> None:
        if not self.answered.done():
            self.answered.set_result(answer)


class Receiver:
    """An HTTP server of this machine alone, in a thread, for the whole run of tests.

    Servers call it in place of the URLs of tasks: ``base("http")`` followed by the URL without its scheme. Only who
    knows its secret gets in. What comes while no test wants it is answered with 503.
    """

    def __init__(self) -> None:
        self.secret = secrets.token_urlsafe(16)
        self.wanted = False
        """Whether a test takes what comes."""
        self.url_of: Callable[[str, str], str | None] = lambda _queue, _task: None
        """The URL of a task, by the full name of its queue and its ID: for attempts whose URL was overridden."""
        self._waiting: deque[_Waiting] = deque()
        self._loop = real_loop()
        self._sign = asyncio.Event()
        self._ready: Future[None] = Future()
        self.address, self._listener = reserve(resolve("127.0.0.1", 0))
        threading.Thread(target=self._run, name="tidegate receiver", daemon=True).start()
        self._ready.result()

    def base(self, scheme: str) -> str:
        """What takes the place of ``http://`` or ``https://``."""
        return f"{self.address.url}/{self.secret}/{scheme}"

    def forget(self) -> None:
        """Answer what still waits, as nobody will."""
        self.wanted = False
        while (waiting := self._taken()) is not None:
            waiting.refuse()

    def next(self, call: Future[Any]) -> Future[_Waiting | None]:
        """The next attempt that waits; None once ``call`` has ended and none is left."""
        return asyncio.run_coroutine_threadsafe(self._next(call), self._loop)

    async def _next(self, call: Future[Any]) -> _Waiting | None:
        call.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._sign.set))
        while True:
            self._sign.clear()
            if (waiting := self._taken()) is not None:
                return waiting
            if call.done():
                return None
            await self._sign.wait()

    def _taken(self) -> _Waiting | None:
        try:
            return self._waiting.popleft()
        except IndexError:
            return None

    def _run(self) -> None:
        run_loop(self._loop, self._live(), self._ready)

    async def _live(self) -> None:
        listen(self._listener)
        await HttpServer(self._answer, self._listener, None, files=FILES).open()
        self._ready.set_result(None)
        await asyncio.Event().wait()

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        answer = await self._judged(scope, receive)
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        headers = [(name, value) for name, value in headers if name.decode("latin-1") not in OF_THE_WAY]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _judged(self, scope: Any, receive: Any) -> Answer:
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return NOBODY
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").partition("?")[0]
        query = scope["query_string"].decode("latin-1")
        url = await self._url(path, f"?{query}" if query else "", headers)
        if url is None:
            return Answer(404)
        if not self.wanted:
            return NOBODY
        kept = [(name, value) for name, value in headers if name not in OF_THE_WAY and name != QUEUE_HEADER]
        waiting = _Waiting(HandlerRequest(scope["method"], url, kept, bytes(body)), self._loop)
        self._waiting.append(waiting)
        self._sign.set()
        return await waiting.answered

    async def _url(self, path: str, query: str, headers: list[tuple[str, str]]) -> str | None:
        """The URL that the task has; None for a request of a stranger."""
        _, first, *rest = path.split("/", 3)
        if secrets.compare_digest(first.encode(), self.secret.encode()) and len(rest) == 2:
            slash = "" if "/" in rest[1] else "/"  # of the path, which the map leaves out
            return f"{rest[0]}://{rest[1]}{slash}{query}"
        found = {name: value for name, value in headers if name in {QUEUE_HEADER, "x-cloudtasks-taskname"}}
        secret, _, queue = found.get(QUEUE_HEADER, "").partition(" ")
        if not secrets.compare_digest(secret.encode("latin-1"), self.secret.encode()):
            return None
        return await asyncio.to_thread(self.url_of, queue, found.get("x-cloudtasks-taskname", ""))


@cache
def receiver() -> Receiver:
    """The one of this process, made when it is first needed."""
    return Receiver()
