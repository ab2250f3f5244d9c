"""Tasks of a pull queue leased and acknowledged, by 1, 4 and 16 workers, one task or a hundred at a time.

Each worker leases a batch, then acknowledges its tasks, each with a call of its own, all at once; then the next. The
queue has as many tasks more as are to be left over: 1,000 or 1,000,000. The client runs in one process on the same
machine; its share of the processor time is told, for the server has to do without.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from bench.api import PARENT
from bench.floor import EMPTY_HANDLER, QUEUE, create_message, empty_handler
from bench.http2 import Connection
from bench.load import Load
from bench.plan import Plan
from bench.rows import Row, beside, by_turns
from bench.server import Server, scratch, serving
from bench.suite import alone
from tidegate.core.bucket import Flow
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue
from tidegate.core.task import PullMessage, Task
from tidegate.ids import RandomIds
from tidegate.schema import v2, v2beta2
from tidegate.storage.sqlite import SqliteStore

CREATE = v2.CloudTasks.create_task
LEASE = v2beta2.CloudTasks.lease_tasks
ACKNOWLEDGE = v2beta2.CloudTasks.acknowledge_task
PAYLOAD = 100  # bytes
WORKERS = 16  # of the run whose two backlogs are compared
ROWS = 10_000  # of one transaction, while a store is being filled


def measure(plan: Plan) -> Iterator[Row]:
    few, many = plan.pick((1_000, 1_000_000), (1_000, 50_000))
    workers, batches = plan.pick(((1, 4, 16), (1, 100)), ((16,), (100,)))
    tasks = plan.pick(20_000, 4_000)
    turns = [
        Run(turn, waiting, count, batch, tasks if batch > 1 else tasks // 8)
        for batch in batches
        for count in workers
        for waiting in (few, many)
        for turn in range(plan.rounds)
    ]
    with scratch() as folder, empty_handler() as floor:
        store = folder / "tidegate.db"
        asyncio.run(fill(store, _needed(turns), b"x" * PAYLOAD))
        create = partial(floor.load, CREATE, create_message(QUEUE, PAYLOAD), seconds=plan.seconds)
        with serving(store) as server:
            for batch in batches:
                for count in workers:
                    case = [run for run in turns if (run.batch, run.workers) == (batch, count)]
                    yield from _rows(server, case, create)


def _rows(server: Server, case: Sequence[Run], create: Callable[[], Load]) -> Iterator[Row]:
    """The same work with few tasks left waiting and with many, by turns with the floor."""
    left = {waiting: iter([run for run in case if run.waiting == waiting]) for waiting in {run.waiting for run in case}}
    few, many = sorted(left)
    took = by_turns(
        len(case) // 2,
        {
            "few": lambda: _lease(server, next(left[few])),
            "many": lambda: _lease(server, next(left[many])),
            "floor": lambda: Took(create().calls_per_second),
        },
    )
    rates = {side: [one.rate for one in all_] for side, all_ in took.items()}
    for side, waiting in (("few", few), ("many", many)):
        details: dict[str, float | str] = {
            "cpu_us_per_task": round(statistics.median(one.cpu_us for one in took[side]), 1),
            "client_cpu_us_per_task": round(statistics.median(one.client_cpu_us for one in took[side]), 1),
        }
        what = f"lease {case[0]}, {waiting:,} waiting"
        yield beside(what, "tasks/s", rates[side], rates["floor"], EMPTY_HANDLER, details=details)
    if case[0].batch > 1 and case[0].workers == WORKERS:
        what = f"lease with {many:,} waiting by {few:,}"
        yield beside(what, "tasks/s", rates["many"], rates["few"], f"with {few:,}")


def _needed(runs: Iterable[Run]) -> Counter[str]:
    """How many tasks each queue must have at first: those that will be leased, and those left waiting."""
    counts: Counter[str] = Counter()
    for run in runs:
        counts[run.queue] = max(counts[run.queue], run.waiting) + run.tasks
    return counts


class Took(NamedTuple):
    """Tasks a second; microseconds of processor time a task."""

    rate: float
    cpu_us: float = 0
    client_cpu_us: float = 0


class Run(NamedTuple):
    """Some workers and their tasks. Runs that leave few tasks over have a queue each; the others share one."""

    turn: int
    waiting: int
    workers: int
    batch: int
    tasks: int

    @property
    def queue(self) -> str:
        own = f"q{self.waiting}-{self.workers}-{self.batch}-{self.turn}"
        return f"{PARENT}/queues/{own if self.waiting <= self.tasks else f'q{self.waiting}'}"

    def __str__(self) -> str:
        return f"{self.batch} by {self.workers} worker{'s' * (self.workers > 1)}"


def _lease(server: Server, run: Run) -> Took:
    cpu, own_cpu, begin = server.process.cpu(), time.process_time(), time.perf_counter()
    done = asyncio.run(_work(server, run))
    took = time.perf_counter() - begin
    cpu, own_cpu = server.process.cpu() - cpu, time.process_time() - own_cpu
    assert done == run.tasks, f"{done} tasks were acknowledged"
    return Took(run.tasks / took, cpu / run.tasks * 1e6, own_cpu / run.tasks * 1e6)


async def _work(server: Server, run: Run) -> int:
    """Lease and acknowledge; how many tasks were."""
    shares = [run.tasks // run.workers + (number < run.tasks % run.workers) for number in range(run.workers)]
    return sum(await asyncio.gather(*[_worker(server, run, share) for share in shares]))


async def _worker(server: Server, run: Run, share: int) -> int:
    connection = await Connection.open(server.host, server.port)
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
                name=made.name.task(*ids.task_ids(now, 1)),
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
    alone("lease", measure)
