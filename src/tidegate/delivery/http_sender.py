"""The Sender for real: attempts go out as HTTP/1.1 through pyreqwest.

What goes over the wire is the call's headers, ``Host``, ``Content-Length`` for a body and for an empty POST, PUT or
PATCH, and one header that pyreqwest cannot be talked out of: ``Accept: */*`` where the task names no Accept of its own,
which means the same as none (RFC 9110, 12.5.1). Names go out in title case: ``X-CloudTasks-QueueName`` is
``X-Cloudtasks-Queuename`` on the wire.

The loop's thread spends some 17 us on a call, the rest of the 40 us is pyreqwest's own thread: that is why the answer's
head and up to 64 KiB of its body arrive in a single wake-up, and why the deadline is pyreqwest's, not asyncio's.
"""

from __future__ import annotations

from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import PyreqwestError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response

from tidegate.core.lifecycle import Outcome
from tidegate.core.target import HttpCall
from tidegate.delivery.hop import BODY_METHODS, MAX_REDIRECTS, REDIRECTS, Hop
from tidegate.delivery.reasons import hung_up_unanswered, passed_deadline, reason
from tidegate.delivery.retry_after import ASKS_FOR_ROOM, retry_after
from tidegate.engine.ports import Clock

USER_AGENT = "Google-Cloud-Tasks"  # calls bring their own; this keeps the library's name off the wire
ANSWER_MAX = 64 * 1024  # bytes of body, pyreqwest's own default; a handler that sends more is hung up on
IDLE_MAX = timedelta(seconds=4)  # shorter than the 5 s after which Node and uvicorn close a connection from their side
CLOSED_BY_THEN = 1.0  # seconds; a connection closed while we wrote to it says so within a round trip
KEPT_ORIGINS_MAX = 4096

TIMED_OUT = Outcome(timed_out=True, reason="no whole answer within the deadline")
UNCALLABLE = Outcome(reason="URL or header cannot be sent")


class HttpSender:
    """Delivers attempts; ``trusted_roots`` are certificate authorities (PEM) beside the system's.

    A handler's answer counts once it is whole, or once 64 KiB of its body have come; one broken off before is none.
    A cancelled ``send`` ends at once, but pyreqwest holds its connection until the call's deadline.
    """

    def __init__(self, clock: Clock, *, trusted_roots: bytes = b"") -> None:
        self._clock = clock
        self._client = client_builder(trusted_roots).pool_idle_timeout(IDLE_MAX).build()
        self._unpooled = client_builder(trusted_roots).pool_max_idle_per_host(0).build()
        self._kept: dict[str, float] = {}  # origin -> when it last answered over a connection that may be used again

    async def send(self, call: HttpCall, authorization: str | None) -> Outcome:
        """Deliver one attempt, following redirects where the call does; the last answer decides."""
        if call.body and call.method not in BODY_METHODS:
            return Outcome(reason=f"{call.method} takes no body")
        started = self._clock.monotonic()
        hop = Hop.first(call, authorization)
        outcome, location = await self._exchange(hop, call.timeout, started)
        if not call.follows_redirects:
            return outcome
        for _ in range(MAX_REDIRECTS):
            if location is None:
                break
            following = hop.redirected(outcome.http_status, location)
            if following is None:
                break
            hop = following
            now = self._clock.monotonic()
            outcome, location = await self._exchange(hop, call.timeout - timedelta(seconds=now - started), now)
        return outcome

    async def close(self) -> None:
        """Close the connections; calls under way end without an answer."""
        await self._client.close()
        await self._unpooled.close()

    async def _exchange(self, hop: Hop, within: timedelta, started: float) -> tuple[Outcome, str | None]:
        """One request and its outcome; with a redirect also where it points."""
        if within <= timedelta():
            return TIMED_OUT, None
        try:
            async with request_for(hop, self._client, within) as response:
                self._keep(hop, started)
                return self._read(response)
        except PyreqwestError as error:
            if not self._was_closed_while_idle(error, hop, started):
                return failure(error), None
        except ValueError:
            return UNCALLABLE, None
        left = within - timedelta(seconds=self._clock.monotonic() - started)
        if left <= timedelta():
            return TIMED_OUT, None
        try:
            async with request_for(hop, self._unpooled, left) as response:
                return self._read(response)
        except PyreqwestError as error:
            return failure(error), None

    def _read(self, response: Response) -> tuple[Outcome, str | None]:
        status = response.status
        if status in REDIRECTS:
            return Outcome(status), header(response, "location")
        if status in ASKS_FOR_ROOM:
            wait = header(response, "retry-after")
            return Outcome(status, retry_after=retry_after(wait, self._clock.now()) if wait else None), None
        return Outcome(status), None

    def _keep(self, hop: Hop, now: float) -> None:
        if len(self._kept) > KEPT_ORIGINS_MAX:
            self._kept.clear()  # what is forgotten costs an attempt at worst
        self._kept[origin(hop.url)] = now

    def _was_closed_while_idle(self, error: PyreqwestError, hop: Hop, started: float) -> bool:
        """Whether to send once more, over a new connection: the handler had closed the kept one before we wrote to it.

        pyreqwest does not say whether a connection was a kept one, so we go by what can be seen: the origin answered
        before, lately enough for its connection to be kept still, and the end came at once. A handler that dies at once
        on a request looks the same and is sent it twice, which at-least-once allows; one that dies later is not, and
        neither is one that was silent until the deadline.
        """
        kept_at = self._kept.get(origin(hop.url))
        return kept_at is not None and hung_up_unanswered(error) and self._clock.monotonic() - started <= CLOSED_BY_THEN


def client_builder(trusted_roots: bytes = b"") -> ClientBuilder:
    """A client that adds nothing to a request and takes nothing on itself: redirects, cookies, proxies, unpacking."""
    builder = (
        ClientBuilder()
        .http1_only()
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


def failure(error: PyreqwestError) -> Outcome:
    return TIMED_OUT if passed_deadline(error) else Outcome(reason=reason(error))


def header(response: Response, name: str) -> str | None:
    """A header's first value; None when there is none or it is not ASCII."""
    try:
        return response.get_header(name)
    except ValueError:
        return None


def origin(url: str) -> str:
    """Scheme, host and port as they stand in the URL: enough to tell the connections of one handler from another's."""
    end = url.find("/", len("https://"))
    return url if end < 0 else url[:end]
