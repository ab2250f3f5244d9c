"""Nothing keeps the objects of a call after its end, also when the call was refused."""

from __future__ import annotations

import asyncio
import gc
import typing
import weakref
from collections.abc import Awaitable, Iterator
from types import UnionType

import msgspec
import pytest
from tests.engine.worlds import hands

from tidegate.core.errors import ApiError
from tidegate.core.names import QueueName
from tidegate.core.queue import Kind, Queue
from tidegate.core.validation import HttpDraft, TaskDraft, check_task

PUSH, PULL = QueueName.of("p", "l", "push"), QueueName.of("p", "l", "pull")


async def refusal(call: Awaitable[object]) -> weakref.ref[ApiError]:
    """The error that the call raises, for as long as somebody else holds it."""
    with pytest.raises(ApiError) as refused:
        await call
    await asyncio.sleep(0)  # the loop holds what woke the caller until its next turn
    return weakref.ref(refused.value)


async def test_nothing_is_kept_of_a_refused_create() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=PUSH))
    new = check_task(TaskDraft(name=PUSH.task("a"), target=HttpDraft("http://h.test/")), PUSH, at.clock.now())
    await at.engine.tasks.create(PUSH, new)
    taken = await refusal(at.engine.tasks.create(PUSH, new))
    gc.collect()
    assert taken() is None


async def test_nothing_is_kept_of_a_refused_acknowledgement() -> None:
    at = await hands()
    await at.engine.queues.create(Queue(name=PULL, kind=Kind.PULL))
    unknown = await refusal(at.engine.leases.acknowledge(PULL.task("a"), (0, 0)))
    gc.collect()
    assert unknown() is None


def values_out_of_the_collectors_sight() -> Iterator[type[msgspec.Struct]]:
    waiting = [msgspec.Struct]
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        if kind.__module__.startswith("tidegate.") and not kind.__struct_config__.gc:
            yield kind


def parts(hint: object) -> Iterator[object]:
    """The types that a type names."""
    yield hint
    if isinstance(hint, UnionType) or typing.get_origin(hint) is not None:
        for each in typing.get_args(hint):
            yield from parts(each)


def test_no_value_out_of_the_collectors_sight_holds_an_error() -> None:
    # An error holds the frames that it passed, and so whatever they hold: often the very value that holds the error.
    kinds = list(values_out_of_the_collectors_sight())
    assert kinds
    for kind in kinds:
        for name, hint in typing.get_type_hints(kind).items():
            named = [each for each in parts(hint) if isinstance(each, type)]
            assert not any(issubclass(each, BaseException) for each in named), f"{kind.__name__}.{name}"
