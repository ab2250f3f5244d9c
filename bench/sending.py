"""The HTTP client without a queue around it, in a process of its own: bare pyreqwest, or the server's HttpSender."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable

BARE = "bare pyreqwest"
SENDER = "HttpSender"
IN_FLIGHT = 256
BODY = b"x" * 200


def requests_per_second(client: str, url: str, seconds: float) -> float:
    """How many go through, ``IN_FLIGHT`` at once."""
    command = [sys.executable, "-m", "bench.sending", client, url, str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=seconds + 60)
    return float(done.stdout)


async def _rate(send: Callable[[], Awaitable[object]], seconds: float) -> float:
    calls = 0
    clock = time.perf_counter

    async def worker() -> None:
        nonlocal calls
        while clock() < end:
            await send()
            calls += 1

    await send()
    begin = clock()
    end = begin + seconds
    await asyncio.gather(*[worker() for _ in range(IN_FLIGHT)])
    return calls / (clock() - begin)


async def _bare(url: str, seconds: float) -> float:
    from pyreqwest.client import ClientBuilder  # noqa: PLC0415  # the process has no more in it than it measures

    async with ClientBuilder().http1_only().build() as client:
        return await _rate(lambda: client.post(url).body_bytes(BODY).build().send(), seconds)


async def _sender(url: str, seconds: float) -> float:
    from tidegate.clock import SystemClock  # noqa: PLC0415
    from tidegate.core.target import HttpCall  # noqa: PLC0415
    from tidegate.core.task import DEFAULT_HTTP_DEADLINE  # noqa: PLC0415
    from tidegate.delivery.http_sender import HttpSender  # noqa: PLC0415

    sender = HttpSender(SystemClock())
    call = HttpCall("POST", url, (("User-Agent", "bench"),), BODY, DEFAULT_HTTP_DEADLINE)
    rate = await _rate(lambda: sender.send(call, None), seconds)
    await sender.close()
    return rate


def main() -> None:
    import uvloop  # noqa: PLC0415

    client, url, seconds = sys.argv[1:]
    print(uvloop.run({BARE: _bare, SENDER: _sender}[client](url, float(seconds))))


if __name__ == "__main__":
    main()
