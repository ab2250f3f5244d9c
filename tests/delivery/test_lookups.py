"""Lookups shared out by queue. The name server answers when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable

import pytest

from tidegate.delivery.lookups import AT_ONCE, KEPT_FREE, SHARE, Lookups


class NameServer:
    """Silent until it is told the answer to a name."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._answers: dict[str, asyncio.Future[tuple[str, ...]]] = {}

    def __call__(self, name: str) -> Awaitable[tuple[str, ...]]:
        self.asked.append(name)
        self._answers[name] = asyncio.get_running_loop().create_future()
        return self._answers[name]

    def say(self, name: str) -> None:
        self._answers.pop(name).set_result((name,))


@pytest.fixture
def server() -> NameServer:
    return NameServer()


@pytest.fixture
async def lookups(server: NameServer) -> AsyncIterator[Lookups]:
    lookups = Lookups(server)
    yield lookups
    lookups.close(ValueError("the test is over"))
    await turn()


async def turn() -> None:
    """Let everything run that is ready to."""
    for _ in range(5):
        await asyncio.sleep(0)


async def asking(lookups: Lookups, queue: str, *names: str) -> list[asyncio.Task[tuple[str, ...]]]:
    tasks = [asyncio.create_task(lookups.ask(name, queue)) for name in names]
    await turn()
    return tasks


def some(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


async def test_a_name_is_looked_up_once_for_all_queues_that_ask(lookups: Lookups, server: NameServer) -> None:
    tasks = await asking(lookups, "a", "x", "x") + await asking(lookups, "b", "x")
    assert server.asked == ["x"]
    server.say("x")
    assert await asyncio.gather(*tasks) == [("x",)] * 3
    await asking(lookups, "a", "x")
    assert server.asked == ["x", "x"]


async def test_a_queue_has_no_more_than_its_share_under_way(lookups: Lookups, server: NameServer) -> None:
    names = some("a", 300)
    await asking(lookups, "a", *names)
    assert server.asked == names[:SHARE]
    server.say("a3")
    await turn()
    assert server.asked == names[: SHARE + 1]


async def test_names_that_hang_for_one_queue_do_not_hold_up_another(lookups: Lookups, server: NameServer) -> None:
    await asking(lookups, "a", *some("a", 300))
    (good,) = await asking(lookups, "b", "good")
    server.say("good")
    assert await good == ("good",)


async def test_some_places_are_kept_for_queues_that_hold_none(lookups: Lookups, server: NameServer) -> None:
    for queue in some("greedy", AT_ONCE):
        await asking(lookups, queue, *some(queue, SHARE))
    greedy = len(server.asked)
    assert greedy == AT_ONCE  # each new queue found one, until the last was taken
    assert all(f"{queue}0" in server.asked for queue in some("greedy", KEPT_FREE))


async def test_a_free_place_goes_to_the_queue_that_holds_fewest_and_has_waited_longest(
    lookups: Lookups, server: NameServer
) -> None:
    full = some("full", (AT_ONCE - KEPT_FREE) // SHARE + KEPT_FREE)
    for queue in full:
        await asking(lookups, queue, *some(f"{queue}-", SHARE))
    first, second = await asking(lookups, "first", "x", "y"), await asking(lookups, "second", "z")
    before = len(server.asked)
    for name in ["full0-0", "full1-0", "full2-0"]:
        server.say(name)
        await turn()
    assert server.asked[before:] == ["x", "z"]  # and not y, for the last place is kept for a queue that holds none
    for task in [*first, *second]:
        task.cancel()


async def test_what_nobody_waits_for_any_more_is_not_looked_up(lookups: Lookups, server: NameServer) -> None:
    names = some("a", SHARE)
    await asking(lookups, "a", *names)
    gone, kept = await asking(lookups, "a", "gone", "kept")
    gone.cancel()
    await turn()
    server.say("a0")
    await turn()
    assert server.asked == [*names, "kept"]
    server.say("kept")
    assert await kept == ("kept",)


async def test_who_gives_up_takes_the_answer_from_nobody(lookups: Lookups, server: NameServer) -> None:
    await asking(lookups, "a", *some("a", SHARE))
    await asking(lookups, "b", *some("b", SHARE))
    (of_a,), (of_b,) = await asking(lookups, "a", "x"), await asking(lookups, "b", "x")
    of_a.cancel()
    await turn()
    server.say("a0")  # nobody of that queue wants it now
    await turn()
    assert "x" not in server.asked
    server.say("b0")
    await turn()
    server.say("x")
    assert await of_b == ("x",)


async def test_a_name_that_waits_in_line_begins_with_the_first_queue_that_has_a_place(
    lookups: Lookups, server: NameServer
) -> None:
    await asking(lookups, "a", *some("a", SHARE))
    (of_a,) = await asking(lookups, "a", "x")
    assert "x" not in server.asked
    (of_b,) = await asking(lookups, "b", "x")
    server.say("x")
    assert await of_a == await of_b == ("x",)


async def test_a_lookup_that_fails_fails_for_all_and_frees_its_place(server: NameServer) -> None:
    async def fail(name: str) -> tuple[str, ...]:
        raise KeyError(name)

    lookups = Lookups(fail)
    for _ in range(AT_ONCE + 1):
        with pytest.raises(KeyError):
            await lookups.ask("x", "a")


async def test_closing_ends_what_waits_and_what_comes(lookups: Lookups, server: NameServer) -> None:
    tasks = await asking(lookups, "a", *some("a", SHARE + 3))
    lookups.close(ValueError("closed"))
    assert {type(each) for each in await asyncio.gather(*tasks, return_exceptions=True)} == {ValueError}
    with pytest.raises(ValueError, match="closed"):
        await lookups.ask("x", "b")
    await turn()
    assert len(server.asked) == SHARE
