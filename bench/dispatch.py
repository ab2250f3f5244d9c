"""Tasks a second from disk to done, against a handler that answers at once.

The tasks wait in paused queues; the clock runs from the resume until no task is left. The floor is the same HTTP
client sending the same calls without a queue behind it, in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import time

from bench import machine
from bench.server import fill, handler, has_tasks, make_queue, scratch, serving
from tidegate.core.target import HttpCall
from tidegate.core.task import DEFAULT_HTTP_DEADLINE
from tidegate.delivery.http_sender import HttpSender
from tidegate.schema import v2
from tidegate.system import SystemClock


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tasks", type=int, default=60_000)
    arguments.add_argument("--queues", type=int, default=1)
    arguments.add_argument("--concurrency", type=int, default=512, help="attempts under way, over all queues")
    options = arguments.parse_args()
    with scratch() as folder, handler(folder) as url, serving(folder / "tidegate.db") as server:
        limits = {"max_concurrent_dispatches": max(1, options.concurrency // options.queues)}
        queues = [make_queue(server, f"q{n}", **limits) for n in range(options.queues)]
        for queue in queues:
            server.call(v2.CloudTasks.pause_queue, name=queue)
            fill(server, queue, url, options.tasks // options.queues)
        floor = asyncio.run(_sender_alone(url, options.tasks // 2, options.concurrency))
        cpu, begin = server.cpu(), time.perf_counter()
        for queue in queues:
            server.call(v2.CloudTasks.resume_queue, name=queue)
        while any(has_tasks(server, queue) for queue in queues):
            time.sleep(0.01)
        took = time.perf_counter() - begin
        cpu = server.cpu() - cpu
        machine.report(
            "dispatch",
            queues=options.queues,
            tasks=options.tasks,
            tasks_per_second=round(options.tasks / took),
            cpu_us_per_task=round(cpu / options.tasks * 1e6, 1),
            sender_alone_per_second=round(floor),
            of_sender_alone=round(options.tasks / took / floor, 2),
        )


async def _sender_alone(url: str, calls: int, concurrency: int) -> float:
    sender = HttpSender(SystemClock())
    call = HttpCall("POST", url, (("User-Agent", "bench"),), b"x" * 200, DEFAULT_HTTP_DEADLINE)
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await sender.send(call, None)

    begin = time.perf_counter()
    await asyncio.gather(*[worker() for _ in range(concurrency)])
    took = time.perf_counter() - begin
    await sender.close()
    return calls / took


if __name__ == "__main__":
    main()
