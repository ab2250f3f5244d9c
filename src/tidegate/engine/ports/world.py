"""Clocks, dice, handlers and tokens, and all that the engine is given."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from tidegate.core.explain.values import Reason
from tidegate.core.lifecycle import Outcome
from tidegate.core.masking import Headers
from tidegate.core.queue import Token
from tidegate.core.target import HttpCall
from tidegate.engine.ports.events import Events
from tidegate.engine.ports.membership import Alone, Membership
from tidegate.engine.ports.store import Store
from tidegate.engine.ports.tracing import Tracing


class Timer(Protocol):
    def cancel(self) -> None:
        """Do not call any more."""


class Clock(Protocol):
    """Wall time, by which tasks go: schedule times, backoff, token buckets, leases, tombstones, time to live. It may
    step as clocks of machines do, and a test may move or freeze it.
    """

    def now(self) -> datetime:
        """Aware, UTC, microseconds."""

    def call_at(self, moment: datetime, wake: Callable[[], None]) -> Timer:
        """Call ``wake`` when this clock shows the moment, soon if it does already. A clock that is moved there by its
        owner calls at once; one that is set by others cannot. It may call up to a millisecond early.
        """


class MachineClock(Protocol):
    """Machine time, which nobody moves: deadlines of sends, budgets, admission, pauses after errors."""

    def now(self) -> datetime:
        """What the machine's wall clock shows (aware, UTC): for moments that others tell by their own clocks, as when
        tokens expire.
        """

    def monotonic(self) -> float:
        """Seconds that never step back; only differences mean something."""

    def elapsed(self) -> float:
        """The same, with those in which the machine slept."""

    async def sleep(self, seconds: float) -> None:
        """Wait, never shorter."""

    def call_later(self, seconds: float, wake: Callable[[], None]) -> Timer:
        """Call ``wake`` in so many seconds. It may call up to a millisecond early."""


class Ids(Protocol):
    def task_ids(self, now: datetime, count: int) -> list[str]:
        """So many new decimal task IDs: roughly ordered by time, their low digits unguessable, never given twice."""

    def etag(self) -> bytes:
        """Eight fresh bytes."""

    def operation_id(self) -> str:
        """A new operation ID."""


class Response(Struct, frozen=True, cache_hash=True, gc=False):
    """The beginning of a handler's answer. ``body_bytes`` is as many as its body has, or as many as were read."""

    headers: Headers
    body_start: bytes
    body_bytes: int


class ReceivedAnswer(Protocol):
    """What came in answer to a request, as it came."""

    @property
    def first_byte(self) -> float:
        """Seconds from the sent request to the first byte; 0 when none came."""

    def read(self) -> Response | None:
        """What it says; None when nothing came. Reading is put off until somebody asks, for most answers are not
        kept.
        """


class SendReport(Struct, gc=False):
    """What a sender tells of an attempt beside its outcome, for attempts that may be kept. ``now`` is
    ``MachineClock.monotonic``, the spans are seconds. ``answer`` is the last one; None when nothing was sent.
    """

    now: Callable[[], float]
    resolve: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    peer: str = ""
    reused: bool = False
    redirects: tuple[str, ...] = ()
    fault: str = ""
    answer: ReceivedAnswer | None = None


class Sender(Protocol):
    @property
    def connections_kept_for(self) -> float:
        """For how many seconds a connection stays open that no attempt uses; 0 when none is kept."""

    async def send(self, call: HttpCall, authorization: str | None, report: SendReport | None = None) -> Outcome:
        """Deliver one attempt, and note in ``report`` how it went. What the target does, even hanging up, is an
        Outcome, not an exception.
        """

    async def close(self) -> None: ...


class TokenMint(Protocol):
    async def authorization(self, token: Token) -> str:
        """The Authorization header for a token. Raises MintError when its source does not give one."""


class MintError(Exception):
    """No token could be had; the attempt ends unsent with this short reason."""


class Prober(Protocol):
    """Finds out what a call would meet, and sends nothing."""

    async def look(self, call: HttpCall) -> Reason | None:
        """What would keep the call from being sent, as far as it is known without asking anybody."""

    async def probe(self, call: HttpCall) -> Reason | None:
        """The same, found out by resolving the host's name and connecting to it."""


def no_dice() -> float:
    """The middle, each time."""
    return 0.5


class World(Struct, frozen=True):
    """Everything outside that the engine is given."""

    store: Store
    sender: Sender
    mint: TokenMint
    clock: Clock
    machine: MachineClock
    ids: Ids
    events: Events
    membership: Membership = Alone()
    dice: Callable[[], float] = no_dice
    """Numbers from 0 up to 1, by which nodes that want the same do not try again at the same time."""
    prober: Prober | None = None
    tracing: Tracing | None = None
