"""What the verbs do, step by step, for a driver that is a test's thread or its event loop.

A verb is a generator. It yields what has to be waited for, and gets what came of it: a future of the engine's loop, or
a request that a handler is to answer. So the handlers of a plain test run outside of any event loop, in its own thread,
and those of an asynchronous one in its loop.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any, NamedTuple, TypeAlias, TypeVar

from tidegate.testing.apps import Answer, call_asgi, call_wsgi, is_asgi, read_answer
from tidegate.testing.handler_request import HandlerRequest

T = TypeVar("T")


class Ask(NamedTuple):
    """A request for a handler. ``kind`` is ``app`` for ASGI and WSGI, or ``function``."""

    kind: str
    handler: Any
    request: HandlerRequest


Step: TypeAlias = "Future[Any] | Ask"
Steps: TypeAlias = Generator[Step, Any, T]

FAILED = Answer(500)


def run_steps(steps: Steps[T], runner: asyncio.Runner) -> T:
    """Take the steps in this thread; ``runner`` runs handlers that are asynchronous."""
    step, value = _next(steps, None)
    while step is not None:
        step, value = _next(steps, step.result() if isinstance(step, Future) else _answer(step, runner))
    came_to: T = value
    return came_to


async def await_steps(steps: Steps[T]) -> T:
    """Take the steps in this event loop."""
    step, value = _next(steps, None)
    while step is not None:
        result = await asyncio.wrap_future(step) if isinstance(step, Future) else await _awaited(step)
        step, value = _next(steps, result)
    came_to: T = value
    return came_to


def _next(steps: Steps[Any], result: Any) -> tuple[Step | None, Any]:
    """The step that follows what the last one brought; after the last step None, and what the verb came to."""
    try:
        return steps.send(result), None
    except StopIteration as done:
        return None, done.value


def _answer(ask: Ask, runner: asyncio.Runner) -> Answer:
    if _is_asynchronous(ask):
        return runner.run(_awaited(ask))
    try:
        return call_wsgi(ask.handler, ask.request) if ask.kind == "app" else read_answer(ask.handler(ask.request))
    except Exception as error:
        ask.request.error = error
        return FAILED


async def _awaited(ask: Ask) -> Answer:
    try:
        if ask.kind == "app":
            if is_asgi(ask.handler):
                return await call_asgi(ask.handler, ask.request)
            return call_wsgi(ask.handler, ask.request)
        said = ask.handler(ask.request)
        return read_answer(await said if inspect.isawaitable(said) else said)
    except Exception as error:
        ask.request.error = error
        return FAILED


def _is_asynchronous(ask: Ask) -> bool:
    return is_asgi(ask.handler) if ask.kind == "app" else inspect.iscoroutinefunction(ask.handler)
