"""Servers of asyncio in a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any


def stop_serving(
    loop: asyncio.AbstractEventLoop, server: asyncio.AbstractServer, conversations: Collection[asyncio.Task[Any]]
) -> None:
    """Accept nobody any more, and cut off whoever is still there. The loop must have stopped."""
    server.close()
    for conversation in conversations:
        conversation.cancel()
    loop.run_until_complete(asyncio.gather(*conversations, return_exceptions=True))
