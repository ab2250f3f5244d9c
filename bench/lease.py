"""Tasks of a pull queue leased and acknowledged, by 1, 4 and 16 workers, one task or a hundred at a time.

Each worker leases a batch, then acknowledges its tasks, each with a call of its own, all at once; then the next. The
queue has as many tasks more as are to be left over: 1,000 or 1,000,000. The client runs in one process on the same
machine; its share of the processor time is told, for the server has to do without.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from bench import machine
from bench.http2 import Connection
from bench.server import PARENT, Server, scratch, serving
from tidegate.core.bucket import Flow
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue
from tidegate.core.task import PullMessage, Task
from tidegate.schema import v2beta2
from tidegate.storage.sqlite import SqliteStore
from tidegate.system import RandomIds

LEASE = v2beta2.CloudTasks.lease_tasks
ACKNOWLEDGE = v2beta2.CloudTasks.acknowledge_task
ROWS = 10_000  # of one transaction, while a store is being filled


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--waiting", type=int, nargs="+", default=[1_000, 1_000_000], help="tasks left over")
    arguments.add_argument("--workers", type=int, nargs="+", default=[1, 4, 16])
    arguments.add_argument("--batches", type=int, nargs="+", default=[1, 100], help="tasks of one LeaseTasks")
    arguments.add_argument("--tasks", type=int, default=40_000, help="of each run; an eighth where a batch is one task")
    arguments.add_argument("--payload", type=int, default=100, help="bytes")
    options = arguments.parse_args()
    runs = [
        Run(waiting, workers, batch, options.tasks if batch > 1 else options.tasks // 8)
        for waiting in options.waiting
        for batch in options.batches
        for workers in options.workers
    ]
    with scratch() as folder:
        store = folder / "tidegate.db"
        counts: Counter[str] = Counter()
        for run in runs:
            counts[run.queue] = max(counts[run.queue], run.waiting) + run.tasks
        asyncio.run(fill(store, counts, b"x" * options.payload))
        with serving(store) as server:
            for run in runs:
                _report(server, run)


class Run(NamedTuple):
    """Some workers and their tasks. Runs that leave few tasks over have a queue each; the others share one."""

    waiting: int
    workers: int
    batch: int
    tasks: int

    @property
    def queue(self) -> str:
        own = f"q{self.waiting}-{self.workers}-{self.batch}"
        return f"{PARENT}/queues/{own if self.waiting <= self.tasks else f'q{self.waiting}'}"


def _report(server: Server, run: Run) -> None:
    cpu, own_cpu, begin = server.cpu(), time.process_time(), time.perf_counter()
    done = asyncio.run(_work(server, run))
    took = time.perf_counter() - begin
    cpu, own_cpu = server.cpu() - cpu, time.process_time() - own_cpu
    assert done == run.tasks, f"{done} tasks were acknowledged"
    machine.report(
        "lease",
        waiting=run.waiting,
        workers=run.workers,
        batch=run.batch,
        tasks_per_second=round(run.tasks / took),
        cpu_us_per_task=round(cpu / run.tasks * 1e6, 1),
        client_cpu_us_per_task=round(own_cpu / run.tasks * 1e6, 1),
        client_share_of_cpu=round(own_cpu / (own_cpu + cpu), 2),
    )


async def _work(server: Server, run: Run) -> int:
    """Lease and acknowledge; how many tasks were."""
    shares = [run.tasks // run.workers + (number < run.tasks % run.workers) for number in range(run.workers)]
    return sum(await asyncio.gather(*[_worker(server, run, share) for share in shares]))


async def _worker(server: Server, run: Run, share: int) -> int:
    connection = await Connection.open("127.0.0.1", server.port)
    request = LEASE.request_pb(parent=run.queue, response_view="FULL")
    request.lease_duration.seconds = 600
    done = 0
    while done < share:
        request.max_tasks = min(run.batch, share - done)
        (answer,) = await connection.call(LEASE.grpc_path, [request.SerializeToString()])
        tasks = LEASE.response_pb.FromString(answer).tasks
        assert tasks, "nothing is left to lease"
        await connection.call(ACKNOWLEDGE.grpc_path, [_acknowledgement(task) for task in tasks])
        done += len(tasks)
    connection.close()
    return done


def _acknowledgement(task: Any) -> bytes:
    request = ACKNOWLEDGE.request_pb(name=task.name, schedule_time=task.schedule_time)
    message: bytes = request.SerializeToString()
    return message


async def fill(path: Path, counts: Mapping[str, int], payload: bytes) -> None:
    """Make a store with pull queues of so many tasks that are all due now, a microsecond apart."""
    store = await SqliteStore.open(path)
    ids, now = RandomIds(), datetime.now(UTC) - timedelta(minutes=1)
    for queue, count in counts.items():
        made = Queue(name=QueueName(queue), kind=Kind.PULL)
        flow = Flow.fresh(made.rate_limits, now)
        stored = await store.write(lambda tx, made=made, flow=flow: tx.add_queue(made, flow))  # type: ignore[misc]
        tasks = (
            Task(
                name=made.name.task(ids.task_id(now)),
                target=PullMessage(),
                schedule_time=now + timedelta(microseconds=number),
                create_time=now,
                body=payload,
            )
            for number in range(count)
        )
        while step := list(islice(tasks, ROWS)):
            await store.write(lambda tx, stored=stored, step=step: tx.add_tasks(stored, step))  # type: ignore[misc]
    await store.close()


if __name__ == "__main__":
    main()
