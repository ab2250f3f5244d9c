"""SIGTERM and SIGINT, taken before Envoy sees them.

Envoy ends at once when it gets one: calls in flight are cut. So the signals are blocked before Envoy starts (a signal
mask outlives exec, and every thread inherits it), wait for us in a thread of our own, and are handed to Envoy when the
last call is answered.
"""

from __future__ import annotations

import asyncio
import signal
from threading import Thread
from typing import Final

STOPPING: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def hold() -> None:
    """Block the signals for this thread and all that it starts.

    SIGHUP stays ignored where it is (nohup). SIGINT, which scripts ignore for what they start with ``&``, does not:
    Envoy would take it all the same, and cut the calls in flight.
    """
    ignored = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()
    signal.pthread_sigmask(signal.SIG_BLOCK, set(STOPPING) - ignored)


def held() -> set[signal.Signals]:
    """Those of the signals that wait for us. None under another server than our front."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    return {s for s in STOPPING if s in blocked}


async def caught() -> signal.Signals:
    """The next of the held signals."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[signal.Signals] = loop.create_future()

    def tell(number: signal.Signals) -> None:
        if not answer.done():
            answer.set_result(number)

    def wait() -> None:
        number = signal.Signals(signal.sigwait(held()))
        loop.call_soon_threadsafe(tell, number)

    # A daemon: sigwait cannot be cancelled, and must not keep the process.
    Thread(target=wait, name="signals", daemon=True).start()
    return await answer


def release() -> None:
    """Let Envoy have a SIGTERM: it closes its port and its connections, then shuts the lifespan down."""

    def deliver() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        signal.raise_signal(signal.SIGTERM)

    # In a thread of its own, so that the mask of the event loop's thread stays as it is.
    Thread(target=deliver, name="signals", daemon=True).start()
