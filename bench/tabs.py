"""Open pages of the console in a process beside the server: each hears of a change and asks for itself again.

    python -m bench.tabs HOST:PORT PATH...

They do what ``console/static/console.js`` does in so many browsers, but for drawing.
"""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SPACING = 1.5
"""Seconds between two requests of a page, and a page that takes longer than a tenth of that asks less often: as in the
script.
"""
READY = "looking"


@contextmanager
def looking(address: str, paths: Sequence[str]) -> Iterator[None]:
    """These pages are open until the block ends."""
    command = [sys.executable, "-m", "bench.tabs", address, *paths]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == READY
        try:
            yield
        finally:
            process.terminate()


async def _tab(address: str, path: str, ready: asyncio.Event) -> None:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /console/live HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
    changed = asyncio.Event()
    asking = asyncio.create_task(_ask(address, path, changed))
    while line := await reader.readline():
        ready.set()
        if line.startswith(b"event: changed"):
            changed.set()
    asking.cancel()
    writer.close()


async def _ask(address: str, path: str, changed: asyncio.Event) -> None:
    asked_at, apart = 0.0, SPACING
    while True:
        await changed.wait()
        if asked_at + apart > time.monotonic():
            await asyncio.sleep(apart - time.time() % apart)  # pages ask at the same moment
        changed.clear()
        began = time.monotonic()
        await _fetch(address, path)
        asked_at = time.monotonic()
        apart = max(SPACING, math.ceil(10 * (asked_at - began) / SPACING) * SPACING)


async def _fetch(address: str, path: str) -> None:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"GET /console/{path} HTTP/1.1\r\nHost: {address}\r\nHX-Request: true\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]


async def _look(address: str, paths: Sequence[str]) -> None:
    ready = [asyncio.Event() for _ in paths]
    tabs = [asyncio.create_task(_tab(address, path, each)) for path, each in zip(paths, ready, strict=True)]
    for each in ready:
        await each.wait()
    print(READY, flush=True)
    await asyncio.gather(*tabs)


if __name__ == "__main__":
    asyncio.run(_look(sys.argv[1], sys.argv[2:]))
