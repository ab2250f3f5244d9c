"""Blocking work in a thread that the end of the process does not wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def in_passing_thread(work: Callable[[], T], name: str) -> T:
    """What ``work`` returns or raises, from a thread of its own called ``name``.

    The process waits for the event loop's own threads when it ends, but not for this one: a server elsewhere that hangs
    must not keep ours from stopping. Raises RuntimeError when no thread can be started.
    """
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # whoever gives up waiting stops nothing

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(done)
