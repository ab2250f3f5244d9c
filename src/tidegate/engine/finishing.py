"""Work that must not stop half-way: what follows a commit is done even when nobody waits for the answer any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def to_its_end(work: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let what is begun go on to its end. A call past its deadline is cancelled, but what it has committed by then must
    still be acted on: a task marked as dispatched is sent, a queue that was resumed is looked at.

    A cancelled caller is cancelled as soon as the work is done.
    """

    @wraps(work)
    async def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        working = asyncio.get_running_loop().create_task(work(*args, **kwargs))
        try:
            return await asyncio.shield(working)
        except asyncio.CancelledError:
            if not working.done():
                await asyncio.wait([working])
            if not working.cancelled():
                working.exception()  # nobody is left to hear of it
            raise

    return wrapped
