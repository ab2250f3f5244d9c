"""Names to addresses, by the system's resolver."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

from tidegate.delivery.shared import Shared
from tidegate.engine.ports import Clock

Lookup = Callable[[str], Awaitable[list[str]]]

REMEMBERED_FOR = 5.0  # seconds; getaddrinfo tells no time to live, and the system's own cache honours it
REMEMBERED_MAX = 4096
LOOKUPS_AT_ONCE = 32  # threads; a name server that is silent holds one for some ten seconds


class NotFound(Exception):  # noqa: N818 (an answer, though not the one hoped for)
    """The name has no address."""


async def system_lookup(name: str) -> list[str]:
    """getaddrinfo, in threads of its own: names that hang must not hold up other blocking work."""
    ask = partial(socket.getaddrinfo, name, None, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.get_running_loop().run_in_executor(threads(), ask)
    except (OSError, UnicodeError):  # UnicodeError: a label that IDNA cannot hold
        raise NotFound from None
    return [str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found]  # a zone cannot be pinned


@cache
def threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(LOOKUPS_AT_ONCE, thread_name_prefix="resolve")


class Resolver:
    """Looks names up, once for all who ask at the same time, and remembers the answer for a moment.

    What it answers is what will be called, so an answer that changes afterwards changes nothing that was checked.
    """

    def __init__(self, clock: Clock, lookup: Lookup) -> None:
        self._clock = clock
        self._lookup = lookup
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._asking: Shared[str, tuple[str, ...]] = Shared()

    def known(self, name: str) -> tuple[str, ...] | None:
        """The answer still remembered."""
        known = self._known.get(name)
        return known[1] if known is not None and known[0] > self._clock.monotonic() else None

    async def addresses(self, name: str) -> tuple[str, ...]:
        """The addresses of a name, each once, in the resolver's order. Raises NotFound when there are none."""
        return await self._asking.run(name, partial(self._ask, name))

    async def _ask(self, name: str) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(await self._lookup(name)))
        if not found:
            raise NotFound
        if len(self._known) >= REMEMBERED_MAX:
            self._known.clear()
        self._known[name] = (self._clock.monotonic() + REMEMBERED_FOR, found)
        return found
