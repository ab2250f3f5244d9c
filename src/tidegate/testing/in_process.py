"""A test's server within its process: the engine in a thread, handlers in the test's."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime
from typing import Any

from tidegate.testing.deliveries import Deliveries
from tidegate.testing.local import LocalServer
from tidegate.testing.served import LONGEST_WAIT, NO_REST, HandOver
from tidegate.testing.steps import Steps
from tidegate.testing.travel import Travel


class _Port:
    """The port that the servers of one test after the other have, so that clients which a program keeps find each."""

    def __init__(self) -> None:
        self._port = 0
        self._used = threading.Lock()

    def take(self) -> int:
        """The port, 0 for any while there is none yet or another server has it."""
        return self._port if self._used.acquire(blocking=False) else -1

    def keep(self, port: int) -> None:
        """It was this one."""
        self._port = port

    def give_back(self) -> None:
        """Nobody has it."""
        self._used.release()


_port = _Port()


class InProcess:
    """``Served``: engine, store in memory and every protocol in a thread of this process."""

    def __init__(self) -> None:
        self._deliveries: Deliveries | None = None
        self._travel = Travel()
        port = _port.take()
        self._has_the_port = port >= 0
        try:
            self._server = LocalServer(self._made, port=max(port, 0))
        except BaseException:
            self._give_back()
            raise
        if self._has_the_port:
            _port.keep(self._server.address.port)

    def _made(self, loop: asyncio.AbstractEventLoop) -> Deliveries:
        self._deliveries = Deliveries(loop)
        return self._deliveries

    @property
    def target(self) -> str:
        return self._server.target

    def now(self) -> datetime:
        return self._server.engine.clock.now()

    def begin(self, project: str) -> None:
        """Nothing: the server is new."""

    def run_until(self, last: datetime | None, hand_over: HandOver) -> Steps[None]:
        yield from self._deliver(hand_over)
        while last is not None and (moment := self.next_due()) is not None and moment <= last:
            yield from self.move_to(moment)
            yield from self._deliver(hand_over)

    def move_to(self, moment: datetime) -> Steps[None]:
        control = self._server.engine.time
        assert control is not None  # noqa: S101 - the server runs with dev
        before = self.now()
        if moment > before:
            yield self._server.begin(control.advance_to(moment))
            self._travel.move(moment - before)

    def next_due(self) -> datetime | None:
        return self._server.engine.next_moment()

    def wait(self, seconds: float) -> Steps[None]:
        yield self._server.begin(asyncio.sleep(seconds))

    def queue_fields(self, name: str) -> dict[str, Any]:  # noqa: ARG002 - all attempts come here anyway
        return {}

    def close(self) -> None:
        self._server.close()
        self._give_back()

    def _give_back(self) -> None:
        if self._has_the_port:
            self._has_the_port = False
            _port.give_back()

    def _deliver(self, hand_over: HandOver) -> Steps[None]:
        """Have handlers answer what is there, until the engine has nothing more to do at this moment."""
        deliveries = self._deliveries
        assert deliveries is not None  # noqa: S101 - made with the server
        while True:
            while (delivery := deliveries.take()) is not None:
                yield from hand_over(delivery)
            if (yield self._server.begin(self._settled(deliveries))):
                return

    async def _settled(self, deliveries: Deliveries) -> bool:
        """Wait for the engine: whether it has nothing to do, else there is an attempt to take."""
        loop = asyncio.get_running_loop()
        patience = loop.time() + LONGEST_WAIT
        while not self._server.engine.quiet():
            if not deliveries.empty:
                return False
            if loop.time() > patience:
                raise TimeoutError(NO_REST)
            await deliveries.arrived(0.001)
        return deliveries.empty
