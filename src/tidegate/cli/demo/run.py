"""The steps of the demo: start the server, send tasks, show progress, check, clean up."""

from __future__ import annotations

import asyncio
import itertools
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from rich.console import Console

from tidegate.cli.demo.findings import promises, queue_facts, wait_facts
from tidegate.cli.demo.handler import Handler
from tidegate.cli.demo.link import CallFailed, Link
from tidegate.cli.demo.plan import PARENT, QUEUES, DemoQueue, DemoTask, plan
from tidegate.cli.demo.screen import Progress, Screen
from tidegate.cli.demo.server import DemoServer
from tidegate.operator_errors import OperatorError
from tidegate.schema.v2.cloudtasks import CloudTasks, CreateQueueRequest, CreateTaskRequest, ListTasksRequest
from tidegate.schema.v2.queue import Queue, RateLimits, RetryConfig
from tidegate.schema.v2.target import HttpRequest
from tidegate.schema.v2.task import Task

DEADLINE = 40.0  # seconds for everything
LEAD = 1.0  # seconds from the first call until all tasks are due, and so much more for each task
LEAD_PER_TASK = 0.0005
CALLS_AT_ONCE = 64
DRAW_EVERY = 0.125  # seconds
WAVE = 60  # tasks of each wave that follows when the demo is kept
WAVES_APART = 2.0  # seconds
WAVE_AHEAD = 90.0  # seconds over which the tasks of a wave become due
WAVES_KNOWN = 120  # waves whose tasks the handler knows: the last ones may still be retried
RECORDED_WITHIN = 3.0  # seconds from the last answer until the server has no task left


async def run(wanted: int, *, keep: bool = False) -> int:
    """Run the demo; returns 0 when every guarantee held. With ``keep`` it sends further tasks until Ctrl-C."""
    _leave_on_signals()
    screen = Screen(Console(highlight=False))
    screen.title()
    try:
        async with asyncio.timeout(DEADLINE) as limit:
            return await _lead(screen, plan(wanted), limit if keep else None)
    except TimeoutError:
        screen.end(f"It took longer than {DEADLINE:.0f} s and was ended.", good=False)
    except CallFailed as error:
        screen.end(f"A call failed: {error}", good=False)
    except OperatorError as error:
        screen.end(f"{error}", good=False)
    except asyncio.CancelledError:
        screen.end("Stopped. Nothing stays behind.", good=False)
        raise
    return 1


def _leave_on_signals() -> None:
    """Let the signals that end a program cancel this task, so that the server and the handler are stopped."""
    if sys.platform == "win32":  # there Ctrl-C is the only one, and asyncio sees to it
        return
    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _lead(screen: Screen, tasks: Sequence[DemoTask], kept: asyncio.Timeout | None) -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tidegate-demo-") as directory:
        async with Handler(QUEUES, tasks) as handler, DemoServer(Path(directory)) as server:
            ready = time.monotonic() - began
            screen.step(f"A server listens at {server.url}, {ready:.1f} s after it was started")
            screen.step(f"Watch it in a browser: {server.url}/console/")
            async with Link(server.url) as link:
                due = time.time() + LEAD + LEAD_PER_TASK * len(tasks)
                took = await _send(link, handler.url, tasks, due)
                rate = len(tasks) / took
                screen.step(f"{len(tasks):,} tasks accepted, {rate:,.0f} a second, each on disk before it was answered")
                screen.step(f"All are due at {datetime.fromtimestamp(due, UTC).astimezone():%H:%M:%S}")
                with screen.progress(tasks) as progress:
                    await _watch(handler, server, progress, due)
                left = await _left(link)
                if kept is not None:
                    code = _judge(screen, tasks, handler, left, time.monotonic() - began)
                    kept.reschedule(None)
                    screen.step(f"It goes on until Ctrl-C: {server.url}/console/")
                    with suppress(asyncio.CancelledError):
                        await _keep_going(link, handler)
                    return code
    if server.exit_code:
        raise OperatorError(f"the server stopped with exit code {server.exit_code}")
    return _judge(screen, tasks, handler, left, time.monotonic() - began)


async def _keep_going(link: Link, handler: Handler) -> None:
    """Send one group of tasks after the other until Ctrl-C."""
    waves: deque[list[DemoTask]] = deque(maxlen=WAVES_KNOWN)
    for number in itertools.count(1):
        wave = [replace(task, id=f"{task.id}-again-{number}") for task in plan(WAVE, seed=number)]
        waves.append(wave)
        handler.expect(itertools.chain(*waves))
        for place, task in enumerate(wave):
            due = time.time() + WAVE_AHEAD * place / len(wave)
            await link.call(CloudTasks.create_task, _create(task, handler.url, due))
        await asyncio.sleep(WAVES_APART)


def _judge(screen: Screen, tasks: Sequence[DemoTask], handler: Handler, left: int, took: float) -> int:
    facts, waits = [], []
    for queue in QUEUES:
        attempts = [attempt for attempt in handler.attempts if attempt.queue == queue.id]
        facts.append(queue_facts(queue, [task for task in tasks if task.queue == queue.id], attempts))
        waits += wait_facts(queue, attempts)
    judged = promises(facts, waits, handler.attempts, accepted=len(tasks), left=left, lag=handler.lag)
    screen.report(facts, waits, judged, handler.lag)
    broken = [promise.says for promise in judged if not promise.kept]
    if broken:
        screen.end(f"Not kept: {'; '.join(broken)}.", good=False)
        return 1
    screen.end(f"Every promise held, in {took:.0f} seconds.", good=True)
    return 0


async def _watch(handler: Handler, server: DemoServer, progress: Progress, due: float) -> None:
    """Show progress until each task is delivered or given up."""
    while not handler.all_done.is_set():
        if not server.alive:
            raise OperatorError(f"the server ended while it had work to do{server.log}")
        if handler.puzzle:
            raise OperatorError(f"the server sent what is no attempt: {handler.puzzle}")
        progress.update(handler, time.time() - due)
        with suppress(TimeoutError):
            await asyncio.wait_for(handler.all_done.wait(), DRAW_EVERY)


async def _left(link: Link) -> int:
    """Tasks that the server still has after it has recorded the last responses."""
    ends = time.monotonic() + RECORDED_WITHIN
    while (left := await _listed(link)) and time.monotonic() < ends:  # noqa: ASYNC110 - the server's state, not ours
        await asyncio.sleep(DRAW_EVERY)
    return left


async def _listed(link: Link) -> int:
    """Tasks on the first page of each queue."""
    pages = [
        await link.call(CloudTasks.list_tasks, ListTasksRequest.pb(ListTasksRequest(parent=queue.name)))
        for queue in QUEUES
    ]
    return sum(len(page.tasks) for page in pages)


async def _send(link: Link, handler_url: str, tasks: Sequence[DemoTask], due: float) -> float:
    """Make the queues and the tasks, all due at one moment; return the seconds that the tasks took."""
    for queue in QUEUES:
        request = CreateQueueRequest(parent=PARENT, queue=_queue(queue))
        await link.call(CloudTasks.create_queue, CreateQueueRequest.pb(request))
    began = time.monotonic()
    waiting = iter([_create(task, handler_url, due) for task in tasks])

    async def work() -> None:
        for request in waiting:
            await link.call(CloudTasks.create_task, request)

    await asyncio.gather(*(work() for _ in range(CALLS_AT_ONCE)))
    return time.monotonic() - began


def _queue(queue: DemoQueue) -> Queue:
    return Queue(
        name=queue.name,
        rate_limits=RateLimits(max_dispatches_per_second=queue.rate, max_concurrent_dispatches=queue.at_once),
        retry_config=RetryConfig(
            max_attempts=queue.max_attempts,
            min_backoff=timedelta(seconds=queue.min_backoff),
            max_backoff=timedelta(seconds=queue.max_backoff),
            max_doublings=queue.max_doublings,
        ),
    )


def _create(task: DemoTask, handler_url: str, due: float) -> Any:
    """The raw request that creates a task."""
    name = f"{PARENT}/queues/{task.queue}"
    request = CreateTaskRequest(
        parent=name,
        task=Task(
            name=f"{name}/tasks/{task.id}",
            http_request=HttpRequest(url=f"{handler_url}/{task.queue}", body=task.id.encode()),
            schedule_time=datetime.fromtimestamp(due, UTC),
        ),
    )
    return CreateTaskRequest.pb(request)
