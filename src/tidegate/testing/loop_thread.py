"""An event loop in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any


def run_loop(loop: asyncio.AbstractEventLoop, life: Coroutine[Any, Any, None], ready: Future[None]) -> None:
    """Run ``life`` to its end; it sets ``ready`` when it has begun. An error before goes to whoever waits for that."""
    try:
        loop.run_until_complete(life)
    except BaseException as error:
        if ready.done():
            raise
        ready.set_exception(error)
