"""Several processes on one virtual loop: each can be stopped, continued and killed, as the system does it to real ones.

What runs in a process's context belongs to it: its tasks, callbacks and timers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar
from weakref import WeakSet

from tests.simulation.virtual_time import VirtualLoop

from tidegate.engine.promise import Promise

T = TypeVar("T")

PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class Process:
    """One process, from its start to its end. Create it while the loop runs."""

    def __init__(self) -> None:
        self.alive = True
        self.stopped = False
        self.tasks: WeakSet[asyncio.Task[Any]] = WeakSet()
        self._held: list[tuple[Callable[..., Any], tuple[Any, ...], Context]] = []
        self._context = copy_context()
        self._context.run(PROCESS.set, self)

    def start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run this in the process."""
        return self._context.copy().run(asyncio.get_running_loop().create_task, work)

    def step(self, callback: Callable[..., Any], args: tuple[Any, ...]) -> None:
        """Make one step of the process, or keep it until the process goes on."""
        if self.stopped:
            self._held.append((callback, args, copy_context()))
        elif self.alive:
            callback(*args)

    def stop(self) -> None:
        """SIGSTOP."""
        self.stopped = True

    def go_on(self) -> None:
        """SIGCONT."""
        self.stopped = False
        held, self._held = self._held, []
        loop = asyncio.get_running_loop()
        for callback, args, context in held:
            loop.call_soon(callback, *args, context=context)

    async def kill(self) -> None:
        """SIGKILL."""
        if self.stopped:
            self.go_on()  # only to find its end
        while running := [task for task in self.tasks if not task.done()]:
            for task in sorted(running, key=lambda each: int(each.get_name().removeprefix("Task-"))):
                task.cancel()
                waits_for = getattr(task, "_fut_waiter", None)
                if isinstance(waits_for, Promise):  # which nobody in the process could cancel
                    asyncio.Future.cancel(waits_for)
            await asyncio.gather(*running, return_exceptions=True)
        self.alive = False


class ProcessLoop(VirtualLoop):
    """The virtual loop, on which processes stand still while they are stopped."""

    def __init__(self) -> None:
        super().__init__()
        self.set_task_factory(_new_task)

    def call_soon(  # type: ignore[override]
        self, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        context, callback, args = _guarded(context, callback, args)
        return super().call_soon(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Any, *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context, callback, args = _guarded(context, callback, args)
        return super().call_at(when, callback, *args, context=context)


def _guarded(context: Context | None, callback: Any, args: tuple[Any, ...]) -> tuple[Context, Any, tuple[Any, ...]]:
    context = copy_context() if context is None else context
    process = context.get(PROCESS)
    return (context, callback, args) if process is None else (context, process.step, (callback, args))


def _new_task(loop: asyncio.AbstractEventLoop, work: Any, **also: Any) -> asyncio.Task[Any]:
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **also)
    process = PROCESS.get()
    if process is not None:
        process.tasks.add(task)
    return task


def run(main: Coroutine[Any, Any, T]) -> T:
    """What ``main`` returns, in virtual time; it is no part of any process."""
    with asyncio.Runner(loop_factory=ProcessLoop) as runner:
        return runner.run(main)
