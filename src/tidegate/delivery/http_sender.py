"""The Sender for real: attempts go out as HTTP/1.1 through pyreqwest.

What goes over the wire is the call's headers, ``Host``, ``Content-Length`` for a body and for an empty POST, PUT or
PATCH, and one header that pyreqwest cannot be talked out of: ``Accept: */*`` where the task names no Accept of its own,
which means the same as none (RFC 9110, 12.5.1). Names go out in title case: ``X-CloudTasks-QueueName`` is
``X-Cloudtasks-Queuename`` on the wire.

A call costs the loop's thread some 17 us, 3 more than on the bare client, and pyreqwest's own thread 25. That is why
the answer's head and up to 64 KiB of its body come in one wake-up, and why the deadline is pyreqwest's, not asyncio's.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from functools import cache, lru_cache, partial

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.http import Url
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response
from pyreqwest.runtime import runtime_worker_threads

from tidegate.core.lifecycle import Outcome
from tidegate.core.target import HttpCall
from tidegate.delivery.egress import UNRESTRICTED, Egress
from tidegate.delivery.gate import TIMED_OUT, Gate, Refused
from tidegate.delivery.hop import BODY_METHODS, MAX_REDIRECTS, REDIRECTS, Hop
from tidegate.delivery.reasons import OUT_OF_FILES, hung_up_unanswered, never_connected, passed_deadline, reason
from tidegate.delivery.resolver import Lookup, Resolver, system_lookup
from tidegate.delivery.retry_after import ASKS_FOR_ROOM, retry_after
from tidegate.engine.ports import Clock

USER_AGENT = "Google-Cloud-Tasks"  # calls bring their own; this keeps the library's name off the wire
ANSWER_MAX = 64 * 1024  # bytes of body, pyreqwest's own default; a handler that sends more is hung up on
SENDER_THREADS = 2
"""A handler that sends headers without end keeps the thread that reads them for 3 ms; others go on in the second."""

IDLE_MAX = timedelta(seconds=4)  # shorter than the 5 s after which Node and uvicorn close a connection from their side
CLOSED_BY_THEN = 1.0  # seconds; a connection closed while we wrote to it says so within a round trip
KEPT_ORIGINS_MAX = 4096
PAUSE_WITHOUT_FILES = 0.5  # seconds until a call that could open no connection is tried again

runtime_worker_threads(SENDER_THREADS)  # of the process; cannot be changed once the first client is built

UNCALLABLE = Outcome(reason="URL or header cannot be sent")
answered = cache(Outcome)  # the outcome of an answer that says no more than its status


class HttpSender:
    """Delivers attempts.

    A handler's answer counts once it is whole, or once 64 KiB of its body have come; one broken off before is none.
    A cancelled ``send`` ends at once, but pyreqwest holds its connection until the call's deadline.

    ``egress`` says which addresses may be called, redirects included. ``exempt_origins`` (``http://host:port``, as the
    operator maps App Engine services to) may be called in spite of it, by calls that follow no redirects.
    ``trusted_roots`` are certificate authorities (PEM) beside the system's.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        egress: Egress = UNRESTRICTED,
        exempt_origins: Iterable[str] = (),
        trusted_roots: bytes = b"",
        lookup: Lookup = system_lookup,
    ) -> None:
        self._clock = clock
        new_builder = partial(client_builder, trusted_roots)
        self._client = new_builder().build()
        self._unpooled = new_builder().pool_max_idle_per_host(0).build()
        self._kept: dict[str, float] = {}  # origin -> when it last answered over a connection that may be used again
        self._exempt = {origin_of(text) for text in exempt_origins}
        self._gate = None if egress.unrestricted else Gate(egress, Resolver(clock, lookup), new_builder)

    async def send(self, call: HttpCall, authorization: str | None) -> Outcome:
        """Deliver one attempt, following redirects where the call does; the last answer decides."""
        if call.body and call.method not in BODY_METHODS:
            return Outcome(reason=f"{call.method} takes no body")
        started = self._clock.monotonic()
        hop = Hop.first(call, authorization)
        if call.timeout <= timedelta():
            return TIMED_OUT
        if self._gate is None:
            # Nearly all that most attempts are stands here: each coroutine more would cost them half a microsecond.
            try:
                async with request_for(hop, self._client, call.timeout) as response:
                    self._keep(hop)
                    outcome, location = self._read(response)
            except (PyreqwestError, ValueError) as error:
                outcome, location = await self._deliver(hop, call.timeout, started, failed=error)
        else:
            exempt = not call.follows_redirects and origin_of(call.url) in self._exempt
            outcome, location = await self._deliver(hop, call.timeout, started, exempt=exempt)
        if location is None or not call.follows_redirects:
            return outcome
        for _ in range(MAX_REDIRECTS):
            if location is None:
                break
            following = hop.redirected(outcome.http_status, location)
            if following is None:
                break
            hop = following
            now = self._clock.monotonic()
            outcome, location = await self._deliver(hop, call.timeout - timedelta(seconds=now - started), now)
        return outcome

    async def close(self) -> None:
        """Close the connections; calls under way end without an answer."""
        await self._client.close()
        await self._unpooled.close()
        if self._gate is not None:
            await self._gate.close()

    async def _deliver(
        self,
        hop: Hop,
        within: timedelta,
        started: float,
        *,
        exempt: bool = False,
        failed: PyreqwestError | ValueError | None = None,
    ) -> tuple[Outcome, str | None]:
        """One request and its outcome; with a redirect also where it points. ``failed`` says how sending it ended, if
        it was sent already.

        While this process may open no more files the request waits, for that is no failure of the task.
        """
        while True:
            if within <= timedelta():
                return TIMED_OUT, None
            try:
                if self._gate is None or exempt:
                    return await self._exchange(hop, self._client, within, started, self._unpooled_client, failed)
                return await self._deliver_checked(self._gate, hop, within, started)
            except Refused as refused:
                return refused.outcome, None
            except PyreqwestError as error:
                if passed_deadline(error):
                    return TIMED_OUT, None
                why = reason(error)
                if why != OUT_OF_FILES:
                    return Outcome(reason=why), None
            except ValueError:
                return UNCALLABLE, None
            failed = None
            await self._clock.sleep(PAUSE_WITHOUT_FILES)
            now = self._clock.monotonic()
            within, started = within - timedelta(seconds=now - started), now

    async def _deliver_checked(
        self, gate: Gate, hop: Hop, within: timedelta, started: float
    ) -> tuple[Outcome, str | None]:
        """The same under egress rules: to the first allowed address that takes the connection."""
        ways = await gate.ways(hop, within)
        for way in ways:
            client = await gate.client(way)
            now = self._clock.monotonic()
            left = within - timedelta(seconds=now - started)
            if left <= timedelta():
                return TIMED_OUT, None
            try:
                return await self._exchange(way.hop, client, left, now, partial(gate.client, way, pooled=False))
            except PyreqwestError as error:
                if way is ways[-1] or not never_connected(error):
                    raise
        raise AssertionError("a gate opens at least one way")

    async def _exchange(
        self,
        hop: Hop,
        client: Client,
        within: timedelta,
        started: float,
        unpooled: Callable[[], Awaitable[Client]],
        failed: PyreqwestError | ValueError | None = None,
    ) -> tuple[Outcome, str | None]:
        """Send and read, once more if the connection had been closed before. Raises what pyreqwest raises."""
        try:
            if failed is not None:
                raise failed
            async with request_for(hop, client, within) as response:
                self._keep(hop)
                return self._read(response)
        except PyreqwestError as error:
            if not self._was_closed_while_idle(error, hop, started):
                raise
        left = within - timedelta(seconds=self._clock.monotonic() - started)
        if left <= timedelta():
            return TIMED_OUT, None
        async with request_for(hop, await unpooled(), left) as response:
            return self._read(response)

    async def _unpooled_client(self) -> Client:
        return self._unpooled

    def _read(self, response: Response) -> tuple[Outcome, str | None]:
        status = response.status
        if status in REDIRECTS:
            return Outcome(status), header(response, "location")
        if status in ASKS_FOR_ROOM:
            wait = header(response, "retry-after")
            return Outcome(status, retry_after=retry_after(wait, self._clock.now()) if wait else None), None
        return answered(status), None

    def _keep(self, hop: Hop) -> None:
        if len(self._kept) > KEPT_ORIGINS_MAX:
            self._kept.clear()  # what is forgotten costs an attempt at worst
        self._kept[handler_of(hop.url)] = self._clock.monotonic()

    def _was_closed_while_idle(self, error: PyreqwestError, hop: Hop, started: float) -> bool:
        """Whether to send once more, over a new connection: the handler had closed the kept one before we wrote to it.

        pyreqwest does not say whether a connection was a kept one, so we go by what can be seen: the origin answered
        before, lately enough for its connection to be kept still, and the end came at once. A handler that dies at once
        on a request looks the same and is sent it twice, which at-least-once allows; one that dies later is not, and
        neither is one that was silent until the deadline.
        """
        kept_at = self._kept.get(handler_of(hop.url))
        if kept_at is None or not hung_up_unanswered(error):
            return False
        return started - kept_at <= IDLE_MAX.total_seconds() and self._clock.monotonic() - started <= CLOSED_BY_THEN


def client_builder(trusted_roots: bytes = b"") -> ClientBuilder:
    """A client that adds nothing to a request and takes nothing on itself: redirects, cookies, proxies, unpacking."""
    builder = (
        ClientBuilder()
        .http1_only()
        .runtime_multithreaded(True)  # see SENDER_THREADS
        .pool_idle_timeout(IDLE_MAX)
        .user_agent(USER_AGENT)
        .no_proxy()
        .follow_redirects(False)
        .referer(False)
        .default_cookie_store(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
    )
    return builder.add_root_certificate_pem(trusted_roots) if trusted_roots else builder


def request_for(hop: Hop, client: Client, timeout: timedelta) -> StreamRequest:
    """The request, unsent. Entered, it answers with head and body once ANSWER_MAX bytes have come or all; left, it
    hangs up unless the body was read to its end. Raises ValueError for a URL or header that cannot be sent.
    """
    builder = client.request(hop.method, hop.url).headers(hop.headers).timeout(timeout)
    if hop.body:
        builder = builder.body_bytes(hop.body)
    return builder.build_streamed()


def header(response: Response, name: str) -> str | None:
    """A header's first value; None when there is none or it is not ASCII."""
    try:
        return response.get_header(name)
    except ValueError:
        return None


@lru_cache(maxsize=KEPT_ORIGINS_MAX)
def handler_of(url: str) -> str:
    """Scheme, host and port as they stand in the URL: enough to tell the connections of one handler from another's."""
    end = url.find("/", len("https://"))
    return url if end < 0 else url[:end]


def origin_of(url: str) -> str:
    """Scheme, host and port, the default one left out; empty for what is no URL."""
    try:
        return Url(url).origin_ascii
    except ValueError:
        return ""
