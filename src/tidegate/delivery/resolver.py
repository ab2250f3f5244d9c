"""Looks names up with the system's resolver and caches the answers, which are used stale when it is silent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from msgspec import Struct

from tidegate.delivery.lookups import Addresses, Lookups
from tidegate.delivery.passing_thread import in_passing_thread
from tidegate.delivery.reasons import SENDER_CLOSED, NoAnswer
from tidegate.engine.ports.world import MachineClock

Lookup = Callable[[str], Awaitable[list[str]]]

FRESH_FOR: Final = 5.0
"""Seconds that an answer is fresh. getaddrinfo gives no time to live; the system's own cache respects it."""

STALE_FOR: Final = 86_400.0
"""Seconds after which an answer is no longer served, even if the name server is silent: a day (RFC 8767, 4)."""

PATIENCE: Final = 1.8
"""Seconds to wait for the name server before a stale answer is used (RFC 8767, 5)."""

NOT_FOUND_FOR: Final = 1.0
"""Seconds until a name without an address is looked up again. Short, because it may get one soon."""

SILENT_FOR: Final = 5.0
"""Seconds until a name is looked up again after the name server did not answer."""

REMEMBERED_MAX: Final = 4096
"""Names with an answer, and as many without; the oldest are forgotten first."""

NO_ADDRESS: Final = frozenset(
    getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_ADDRFAMILY") if hasattr(socket, name)
)
"""Errors of getaddrinfo for names without an address. Its other errors mean that it is unknown."""


class HostNotFound(Exception):  # noqa: N818 (an answer, though not the one hoped for)
    """The name has no address."""


class Unanswered(Exception):  # noqa: N818 (an outcome, not an error)
    """The name server did not say whether the name has an address."""


class _Answer(Struct, frozen=True):
    addresses: Addresses
    fresh_until: float
    stale_until: float


class _Failure(Struct, frozen=True):
    error: type[HostNotFound | Unanswered]
    until: float


async def system_lookup(name: str) -> list[str]:
    """The addresses that getaddrinfo finds, asked in a thread. Raises HostNotFound or Unanswered."""
    ask = partial(socket.getaddrinfo, name, None, type=socket.SOCK_STREAM)
    try:
        found = await in_passing_thread(ask, "resolve")
    except socket.gaierror as error:
        raise (HostNotFound if error.errno in NO_ADDRESS else Unanswered) from None
    except UnicodeError:  # a label that IDNA cannot hold
        raise HostNotFound from None
    except (OSError, RuntimeError):  # RuntimeError: no more threads
        raise Unanswered from None
    # A connection cannot be pinned to an address with a zone.
    return [str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found]


class Resolver:
    """Looks names up and caches the answers, also that there was none.

    Connections go to the addresses that it returned, so a later answer cannot undo a check.
    """

    def __init__(self, clock: MachineClock, lookup: Lookup) -> None:
        self._clock = clock
        self._lookup = lookup
        self._lookups = Lookups(self._look_up)
        self._answers: dict[str, _Answer] = {}
        self._failures: dict[str, _Failure] = {}

    def known(self, name: str) -> Addresses | None:
        """The cached addresses while they are fresh, else None."""
        answer = self._answers.get(name)
        return answer.addresses if answer is not None and answer.fresh_until > self._clock.monotonic() else None

    async def addresses(self, name: str, queue: str) -> Addresses:
        """The addresses of a name, each once, in the resolver's order, looked up on behalf of ``queue``.

        Raises HostNotFound when there are none, Unanswered when the name server is silent and no stale answer is left.
        """
        now = self._clock.monotonic()
        answer, failure = self._answers.get(name), self._failures.get(name)
        stale = answer.addresses if answer is not None and now < answer.stale_until else None
        if failure is not None and now < failure.until:
            if stale is None:
                raise failure.error
            return stale
        if stale is None:
            return await self._lookups.ask(name, queue)
        return await self._refreshed(name, queue) or stale

    def close(self) -> None:
        """Give up the lookups under way. Waiting and later calls get NoAnswer."""
        self._lookups.close(NoAnswer(SENDER_CLOSED))

    async def _refreshed(self, name: str, queue: str) -> Addresses | None:
        """A new answer, if it comes in time."""
        asking = asyncio.ensure_future(self._lookups.ask(name, queue))
        patience = asyncio.ensure_future(self._clock.sleep(PATIENCE))
        try:
            await asyncio.wait({asking, patience}, return_when=asyncio.FIRST_COMPLETED)
            if asking.done():
                return asking.result()
        except Unanswered:
            return None
        finally:
            asking.cancel()
            patience.cancel()
        self._remember_failure(name, Unanswered, SILENT_FOR)
        return None

    async def _look_up(self, name: str) -> Addresses:
        try:
            found = tuple(dict.fromkeys(await self._lookup(name)))
            if not found:
                raise HostNotFound
        except HostNotFound:
            self._answers.pop(name, None)
            self._remember_failure(name, HostNotFound, NOT_FOUND_FOR)
            raise
        except Unanswered:
            self._remember_failure(name, Unanswered, SILENT_FOR)
            raise
        now = self._clock.monotonic()
        self._failures.pop(name, None)
        _remember(self._answers, name, _Answer(found, now + FRESH_FOR, now + STALE_FOR))
        return found

    def _remember_failure(self, name: str, error: type[HostNotFound | Unanswered], seconds: float) -> None:
        _remember(self._failures, name, _Failure(error, self._clock.monotonic() + seconds))


V = TypeVar("V")


def _remember(by_name: dict[str, V], name: str, value: V) -> None:
    by_name.pop(name, None)  # keeps the oldest first
    by_name[name] = value
    if len(by_name) > REMEMBERED_MAX:
        del by_name[next(iter(by_name))]
