"""What was begun in one life of a node is not done in the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.engine.worlds import HandClock

from tidegate.engine.life import TRUSTED_FOR, Life, LivingStore
from tidegate.engine.ports.store import FencedError, Transaction
from tidegate.storage.sqlite import MemoryStore


class SlowStore(MemoryStore):
    """Transactions begin, and are answered, when they are let."""

    def __init__(self) -> None:
        super().__init__()
        self.begins, self.answers = asyncio.Event(), asyncio.Event()
        self.answers.set()

    async def write(self, work: Callable[[Transaction], Any], **queues: Any) -> Any:
        await self.begins.wait()
        answer = await super().write(work)
        await self.answers.wait()
        return answer


async def begun() -> tuple[Life, SlowStore, HandClock, asyncio.Task[None]]:
    clock = HandClock()
    life, store = Life(clock), SlowStore()
    life.renew(clock.elapsed())
    living = LivingStore(store, life)
    writing = asyncio.ensure_future(living.write(lambda tx: tx.put_document("a", "b", b"c")))
    await asyncio.sleep(0)
    return life, store, clock, writing


async def test_a_transaction_that_waited_over_the_end_of_a_life_is_not_done() -> None:
    life, store, clock, writing = await begun()
    life.end()
    life.renew(clock.elapsed())
    store.begins.set()
    with pytest.raises(FencedError):
        await writing
    assert await store.read(lambda tx: tx.document("a", "b", clock.now())) is None
    assert not life.over


async def test_a_transaction_that_is_answered_in_the_next_life_is_told_to_nobody() -> None:
    life, store, clock, writing = await begun()
    store.answers.clear()
    store.begins.set()
    await asyncio.sleep(0)
    life.end()
    life.renew(clock.elapsed())
    store.answers.set()
    with pytest.raises(FencedError):
        await writing
    assert not life.over


async def test_a_store_that_has_fenced_the_node_ends_its_life_once() -> None:
    ends: list[int] = []
    life, store, _, writing = await begun()
    life.at_end(lambda: ends.append(life.number))

    async def fenced(work: Any, **queues: Any) -> Any:
        raise FencedError("taken for dead")

    writing.cancel()
    store.write = fenced  # type: ignore[method-assign]
    living = LivingStore(store, life)
    for _ in range(3):
        with pytest.raises(FencedError):
            await living.write(lambda tx: None)
    assert ends == [1]
    assert life.over
    assert not life.trusted


def trusted(life: Life) -> bool:
    return life.trusted


async def test_attempts_may_start_until_eight_seconds_after_the_last_beat_was_sent() -> None:
    clock = HandClock()
    life = Life(clock)
    assert not trusted(life)
    life.renew(clock.elapsed())
    clock.advance(timedelta(seconds=TRUSTED_FOR - 0.001))
    assert trusted(life)
    clock.advance(timedelta(seconds=0.001))
    assert not trusted(life)
    waiting = asyncio.ensure_future(life.trust())
    await asyncio.sleep(0)
    assert not waiting.done()
    life.renew(clock.elapsed() - TRUSTED_FOR)  # a beat that was sent long ago
    await asyncio.sleep(0)
    assert not waiting.done()
    life.renew(clock.elapsed())
    await asyncio.wait_for(waiting, 1)
