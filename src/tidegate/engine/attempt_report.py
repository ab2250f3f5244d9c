"""What is seen of an attempt on its way, and what of it is kept: bounded, and without secrets."""

from __future__ import annotations

from datetime import timedelta
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
from tidegate.core.masking import MASK, masked_headers, masked_url
from tidegate.core.target import HttpCall
from tidegate.core.task import Task
from tidegate.core.times import MICROSECOND
from tidegate.engine.ports.world import Response, SendReport

RESPONSES_KEPT: Final = 256
"""Responses of which it is remembered what is kept of them."""

NO_TIME: Final = timedelta()
_NO_REQUEST: Final = SentRequest()
_NO_RESPONSE: Final = KeptResponse()


class AttemptReport(SendReport, gc=False):
    """A sender's report, and the call that it was about; None when there was nothing to send."""

    call: HttpCall | None = None

    def exchange(self, task: Task, took: float, *, bodies: bool, node: str = "") -> Exchange:
        """What is kept of the attempt, which took so many seconds on this ``node``. With ``bodies`` also the first
        bytes of the response.
        """
        call, answer, due = self.call, self.answer, task.schedule_time
        response = None if answer is None else answer.read()
        again = self.reused and not self.redirects  # then nothing was resolved or opened
        return Exchange(
            _NO_REQUEST if call is None else _request(call),
            _NO_RESPONSE if response is None else _kept(response, bodies),
            Timing(
                max((task.dispatched_at or due) - due, NO_TIME) // MICROSECOND,  # forced attempts start before
                0 if again else micros_of(self.resolve),
                0 if again else micros_of(self.connect),
                0 if again else micros_of(self.tls),
                0 if answer is None else micros_of(answer.first_byte),
                micros_of(took),
            ),
            self.peer,
            self.reused,
            self._redirects() if self.redirects else (),
            node,
            self.fault,
        )

    def _redirects(self) -> tuple[str, ...]:
        return tuple(masked_url(url)[:URL_KEPT] for url in self.redirects[:REDIRECTS_KEPT])


@lru_cache(maxsize=RESPONSES_KEPT)  # handlers say much the same each time
def _kept(response: Response, bodies: bool) -> KeptResponse:
    return KeptResponse(
        masked_headers(response.headers, HEADERS_KEPT, HEADERS_SIZE_KEPT),
        response.body_start[:BODY_KEPT] if bodies else b"",
        response.body_bytes,
    )


def _request(call: HttpCall) -> SentRequest:
    headers = masked_headers(call.headers, HEADERS_KEPT, HEADERS_SIZE_KEPT)
    if call.token is not None:
        headers = (*headers, ("Authorization", MASK))
    return SentRequest(call.method, masked_url(call.url)[:URL_KEPT], headers, len(call.body))
