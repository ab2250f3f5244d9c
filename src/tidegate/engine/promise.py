"""A future for what was handed over and happens anyway."""

from __future__ import annotations

import asyncio
from typing import Any


class Promise(asyncio.Future[Any]):
    """A future that its waiters cannot cancel: what was handed over happens, whoever stops waiting for it.

    A cancelled waiter is cancelled as soon as the answer is there.
    """

    def cancel(self, msg: Any | None = None) -> bool:  # noqa: ARG002 - the name asyncio gives it
        return False
