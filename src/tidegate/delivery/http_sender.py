"""Sends attempts as HTTP/1.1 requests; the ``Sender`` port.

A request has the headers of its call as they are written, ``Host``, and ``Content-Length`` for a body and for an empty
POST, PUT or PATCH. Nothing else is added.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from functools import cache

from msgspec.structs import replace

from tidegate.core.lifecycle import MAY_ASK_FOR_ROOM, Outcome
from tidegate.core.target import BODY_METHODS, HttpCall
from tidegate.core.url_map import UrlMap
from tidegate.delivery.answer_bytes import AnswerBytes
from tidegate.delivery.connection import Answer, Connection, PassedDeadline
from tidegate.delivery.connections import IDLE_MAX, Connections
from tidegate.delivery.destination import Origin, destination, origin_of
from tidegate.delivery.egress import UNRESTRICTED, Egress
from tidegate.delivery.egress_gate import EgressGate, Forbidden, Way
from tidegate.delivery.head import head
from tidegate.delivery.hop import MAX_REDIRECTS, REDIRECTS, Hop, without
from tidegate.delivery.prober import HttpProber
from tidegate.delivery.reasons import OUT_OF_FILES, NoAnswer
from tidegate.delivery.resolver import HostNotFound, Lookup, Resolver, Unanswered, system_lookup
from tidegate.delivery.retry_after import retry_after
from tidegate.engine.ports.world import MachineClock, SendReport

CLOSED_BY_THEN = 0.05  # seconds; a connection that ends this soon was closed while we wrote to it
PAUSE_WITHOUT_FILES = 0.5  # seconds until the next try when no file descriptor was left

FORWARDED = frozenset({"x-forwarded-host"})
FORBIDDEN = Outcome(forbidden=True, reason="address not allowed by the egress rules")
NOT_FOUND = Outcome(reason="host not found")
UNANSWERED = Outcome(reason="name server does not answer")
TIMED_OUT = Outcome(timed_out=True, reason="no whole answer within the deadline")
UNCALLABLE = Outcome(reason="URL or header cannot be sent", unsendable=True)

answered = cache(Outcome)  # the outcome of an answer that has only a status


class HttpSender:
    """Delivers attempts.

    An answer counts once it is complete, or once more of its body has arrived than is read. An answer that breaks off
    before counts as none. A cancelled ``send`` closes its connection at once.

    ``egress`` says which addresses may be called, redirects included. ``exempt_origins`` (``http://host:port``, as the
    operator maps App Engine services to) may be called in spite of it, by calls that follow no redirects.
    ``url_map`` says what is called in place of some URLs, redirects included; handlers find the host that was meant in
    ``X-Forwarded-Host``. ``trusted_roots`` are certificate authorities (PEM) beside the system's.
    """

    connections_kept_for = IDLE_MAX

    def __init__(
        self,
        clock: MachineClock,
        *,
        egress: Egress = UNRESTRICTED,
        exempt_origins: Iterable[str] = (),
        url_map: UrlMap | None = None,
        trusted_roots: bytes = b"",
        lookup: Lookup = system_lookup,
    ) -> None:
        self._clock = clock
        self._connections = Connections(clock, trusted_roots)
        self._resolver = resolver = Resolver(clock, lookup)
        self._anywhere = EgressGate(UNRESTRICTED, resolver)
        self._gate = None if egress.unrestricted else EgressGate(egress, resolver)
        self._url_map = url_map
        self._exempt = {origin_of(text) for text in exempt_origins}

    async def send(self, call: HttpCall, authorization: str | None, report: SendReport | None = None) -> Outcome:
        """Deliver one attempt, and follow redirects if the call says so. The last answer decides."""
        if call.body and call.method not in BODY_METHODS:
            return Outcome(reason=f"{call.method} takes no body", unsendable=True)
        if call.timeout <= timedelta():
            return TIMED_OUT
        deadline = self._clock.monotonic() + call.timeout.total_seconds()
        hop = first = Hop.first(call, authorization)
        answer = await self._deliver(hop, deadline, report, exempt=not call.follows_redirects)
        if call.follows_redirects:
            for _ in range(MAX_REDIRECTS):
                if isinstance(answer, Outcome) or answer.location is None or answer.status not in REDIRECTS:
                    break
                following = hop.redirected(answer.status, answer.location)
                if following is None:
                    break
                hop = following
                if report is not None:
                    report.redirects = (*report.redirects, hop.url)
                answer = await self._deliver(hop, deadline, report)
        if isinstance(answer, Outcome):
            return answer if hop is first else _after_redirect(answer, first, hop)
        if answer.retry_after is not None and answer.status in MAY_ASK_FOR_ROOM:
            return Outcome(answer.status, retry_after=retry_after(answer.retry_after, self._clock.now()))
        return answered(answer.status)

    def prober(self, *, in_container: bool = False) -> HttpProber:
        """What finds out what calls of this sender would meet. In a container its texts say what that means."""
        return HttpProber(
            self._connections, self._resolver, self._gate, self._exempt, self._url_map, in_container=in_container
        )

    async def close(self) -> None:
        """Close the connections. Attempts under way end without an answer."""
        self._resolver.close()
        self._connections.close()

    async def _deliver(
        self, hop: Hop, deadline: float, report: SendReport | None, *, exempt: bool = False
    ) -> Answer | Outcome:
        """The answer to one request, or the outcome without one.

        When this process has no file descriptor left, the request waits: that is no failure of the task.
        """
        if self._url_map is not None and (mapped := self._url_map.mapped(hop.url)) is not None:
            headers = (*without(hop.headers, FORWARDED), ("X-Forwarded-Host", mapped.host))
            hop = replace(hop, url=mapped.url, headers=headers)
        while True:
            try:
                return await self._exchange(hop, deadline, report, exempt=exempt)
            except NoAnswer as error:
                if error.reason != OUT_OF_FILES:
                    return Outcome(reason=error.reason)
            except (PassedDeadline, TimeoutError):
                return TIMED_OUT
            except Forbidden:
                return FORBIDDEN
            except HostNotFound:
                return NOT_FOUND
            except Unanswered:
                return UNANSWERED
            except ValueError:
                return UNCALLABLE
            await self._clock.sleep(PAUSE_WITHOUT_FILES)

    async def _exchange(self, hop: Hop, deadline: float, report: SendReport | None, *, exempt: bool) -> Answer:
        """Send a request and read its answer; again if an idle connection turns out to be closed.

        Raises NoAnswer, PassedDeadline, or an error of the resolver or of the egress rules.
        """
        where = destination(hop.url)
        request = head(hop, where)
        origin = where.origin
        gate = None if exempt and origin.text in self._exempt else self._gate
        way = None if gate is None else await self._way(gate, origin, hop, deadline, report)
        route = origin.text if way is None else way.route
        connection = self._connections.idle(route)
        if connection is not None:
            left = self._left(deadline)
            try:
                received = _received(report, connection, hop, reused=True)
                return await connection.exchange(hop.method, request, hop.body, left, received)
            except NoAnswer as error:
                untaken = error.untaken
                if untaken is None:  # a handler that crashes at once on a request looks the same, and gets it twice
                    untaken = left - self._left(deadline) <= CLOSED_BY_THEN
                if not untaken:
                    raise
        if way is None:
            way = await self._way(self._anywhere, origin, hop, deadline, report)
        async with asyncio.timeout(self._left(deadline)):
            connection = await self._connections.open(route, origin, way.addresses, report)
        received = _received(report, connection, hop, reused=False)
        return await connection.exchange(hop.method, request, hop.body, self._left(deadline), received)

    async def _way(self, gate: EgressGate, origin: Origin, hop: Hop, deadline: float, report: SendReport | None) -> Way:
        begun = self._clock.monotonic()
        async with asyncio.timeout(self._left(deadline)):
            way = await gate.way(origin, hop.queue)
        if report is not None:
            report.resolve = self._clock.monotonic() - begun
        return way

    def _left(self, deadline: float) -> float:
        """Seconds until the deadline. Raises PassedDeadline when there are none."""
        left = deadline - self._clock.monotonic()
        if left <= 0:
            raise PassedDeadline
        return left


def _received(report: SendReport | None, connection: Connection, hop: Hop, *, reused: bool) -> AnswerBytes | None:
    """Where the answer's first bytes are kept, for an attempt that is reported."""
    if report is None:
        return None
    report.peer, report.reused = connection.peer, reused
    report.answer = received = AnswerBytes(report.now, hop.method == "HEAD", report.now())
    return received


def _after_redirect(outcome: Outcome, first: Hop, last: Hop) -> Outcome:
    """The outcome of a redirected call: its reason says that another host gave it.

    The reason of a forbidden address stays as it is, because the API shows it.
    """
    if outcome.forbidden or origin_of(first.url) == origin_of(last.url):
        return outcome
    return replace(outcome, reason=f"{outcome.reason}, after a redirect to another host")
