"""Blocking work in a thread that the end of the process does not wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


async def in_passing_thread(work: Callable[[], T], name: str) -> T:
    """The result or error of ``work``, run in a thread of its own called ``name``.

    When the process ends it waits for the threads of the event loop, but not for this one: a remote server that hangs
    must not delay the stop. Raises RuntimeError when no thread can be started.
    """
    done: Future[T] = Future()
    done.set_running_or_notify_cancel()  # a cancelled caller does not stop the thread

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(done)
