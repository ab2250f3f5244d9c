"""What arrives while a batch is with the store goes into the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from tidegate.engine.batching import Batcher


class Gate:
    """A commit that lasts until it is told to end."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self._ends: list[asyncio.Future[None]] = []

    async def commit(self, items: Sequence[int]) -> Sequence[str]:
        self.batches.append(list(items))
        end = asyncio.get_running_loop().create_future()
        self._ends.append(end)
        await end
        return [str(item) for item in items]

    async def end(self, error: Exception | None = None) -> None:
        end = self._ends.pop(0)
        if error is None:
            end.set_result(None)
        else:
            end.set_exception(error)
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_items_that_come_together_go_together_and_later_ones_wait_for_the_first_to_end() -> None:
    gate = Gate()
    batcher: Batcher[int, str] = Batcher(gate.commit)
    first = [batcher.add(n) for n in (1, 2)]
    await settle()
    second = [batcher.add(n) for n in (3, 4, 5)]
    await settle()
    assert gate.batches == [[1, 2]]
    await gate.end()
    assert all(each.done() for each in first)
    assert not any(each.done() for each in second)
    assert gate.batches == [[1, 2], [3, 4, 5]]
    await gate.end()
    assert all(each.done() for each in second)


async def test_everybody_in_a_batch_learns_of_its_failure_and_the_next_one_goes_on() -> None:
    gate = Gate()
    batcher: Batcher[int, str] = Batcher(gate.commit)
    failed = batcher.add(1)
    await settle()
    fine = batcher.add(2)
    await gate.end(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await failed
    await gate.end()
    await fine


async def test_a_waiter_that_is_cancelled_leaves_the_others_alone() -> None:
    gate = Gate()
    batcher: Batcher[int, str] = Batcher(gate.commit)

    async def wait(item: int) -> str:
        await batcher.add(item)
        return "stored"

    impatient, patient = asyncio.ensure_future(wait(1)), asyncio.ensure_future(wait(2))
    await settle()
    impatient.cancel()
    await settle()
    await gate.end()
    assert await patient == "stored"
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_drained_waits_for_what_is_under_way_and_what_waits_behind_it() -> None:
    gate = Gate()
    batcher: Batcher[int, str] = Batcher(gate.commit)
    batcher.add(1)
    await settle()
    batcher.add(2)
    drained = asyncio.ensure_future(batcher.drained())
    await gate.end()
    assert not drained.done()
    await gate.end()
    await drained
    await batcher.drained()


async def test_each_item_has_a_result_of_its_own() -> None:
    gate = Gate()
    batcher: Batcher[int, str] = Batcher(gate.commit)
    waiting = asyncio.gather(*[batcher.result(n) for n in (7, 8, 9)])
    await settle()
    await gate.end()
    assert await waiting == ["7", "8", "9"]
