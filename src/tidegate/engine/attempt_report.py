"""What is seen of an attempt on its way, and what of it is kept: bounded, and without secrets."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from tidegate.core.attempt_record import (
    BODY_KEPT,
    HEADERS_KEPT,
    HEADERS_SIZE_KEPT,
    REDIRECTS_KEPT,
    URL_KEPT,
    Exchange,
    KeptResponse,
    SentRequest,
    Timing,
    micros_of,
)
from tidegate.core.masking import MASK, Headers, masked_headers, masked_url
from tidegate.core.target import HttpCall
from tidegate.core.task import Task
from tidegate.core.times import MICROSECOND
from tidegate.engine.ports.world import SendReport

RESPONSES_KEPT: Final = 256
"""Heads of responses of which it is remembered what is kept of them."""


class AttemptReport(SendReport):
    """A sender's report, and the call that it was about; None when there was nothing to send."""

    call: HttpCall | None = None

    def exchange(self, task: Task, took: float, *, bodies: bool, node: str = "") -> Exchange:
        """What is kept of the attempt, which took so many seconds on this ``node``. With ``bodies`` also the first
        bytes of the response.
        """
        waited = 0 if task.dispatched_at is None else (task.dispatched_at - task.schedule_time) // MICROSECOND
        return Exchange(
            SentRequest() if self.call is None else _request(self.call),
            self._response(bodies=bodies),
            Timing(
                max(waited, 0),  # forced attempts start before they are due
                *self._steps(),
                0 if self.answer is None else micros_of(self.answer.first_byte),
                micros_of(took),
            ),
            peer_address=self.peer,
            reused_connection=self.reused,
            redirects=self._redirects() if self.redirects else (),
            node=node,
            fault=self.fault,
        )

    def _steps(self) -> tuple[int, int, int]:
        if self.reused and not self.redirects:
            return 0, 0, 0
        return micros_of(self.resolve), micros_of(self.connect), micros_of(self.tls)

    def _redirects(self) -> tuple[str, ...]:
        return tuple(masked_url(url)[:URL_KEPT] for url in self.redirects[:REDIRECTS_KEPT])

    def _response(self, *, bodies: bool) -> KeptResponse:
        response = None if self.answer is None else self.answer.read()
        if response is None:
            return KeptResponse()
        return KeptResponse(
            _masked(tuple(response.headers)),
            response.body_start[:BODY_KEPT] if bodies else b"",
            response.body_bytes,
        )


@lru_cache(maxsize=RESPONSES_KEPT)  # handlers say much the same each time
def _masked(headers: Headers) -> Headers:
    return masked_headers(headers, HEADERS_KEPT, HEADERS_SIZE_KEPT)


def _request(call: HttpCall) -> SentRequest:
    headers = masked_headers(call.headers, HEADERS_KEPT, HEADERS_SIZE_KEPT)
    if call.token is not None:
        headers = (*headers, ("Authorization", MASK))
    return SentRequest(call.method, masked_url(call.url)[:URL_KEPT], headers, len(call.body))
