"""What the resolver remembers. Time is the test's; the name server answers as it is told."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from tests.delivery.conftest import StoppedClock

from tidegate.delivery.lookups import SHARE
from tidegate.delivery.resolver import (
    FRESH_FOR,
    NOT_FOUND_FOR,
    PATIENCE,
    REMEMBERED_MAX,
    SILENT_FOR,
    STALE_FOR,
    HostNotFound,
    Resolver,
    Unanswered,
    system_lookup,
)

Answer = list[str] | Exception


class TestClock(StoppedClock):
    """Its monotonic side stands too; sleepers wake when it is put forward."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__()
        self.machine = 1000.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def elapsed(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        return self.machine

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.machine + seconds, woken))
        await woken.wait()

    def advance(self, span: timedelta) -> None:
        self.machine += span.total_seconds()
        for at, woken in self._sleepers:
            if at <= self.machine:
                woken.set()


class NameServer:
    def __init__(self) -> None:
        self.asked = 0
        self.answer: Answer | None = ["10.0.0.1"]  # None: silence

    async def __call__(self, name: str) -> list[str]:
        self.asked += 1
        if self.answer is None:
            await asyncio.Event().wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        assert self.answer is not None
        return list(self.answer)


@pytest.fixture
def time() -> TestClock:
    return TestClock()


@pytest.fixture
def server() -> NameServer:
    return NameServer()


@pytest.fixture
def resolver(time: TestClock, server: NameServer) -> Resolver:
    return Resolver(time, server)


@pytest.fixture
def forward(time: TestClock) -> Callable[[float], None]:
    return lambda seconds: time.advance(timedelta(seconds=seconds))


Forward = Callable[[float], None]


async def turn() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def within_patience(looking: Awaitable[tuple[str, ...]], forward: Forward) -> tuple[str, ...]:
    task = asyncio.ensure_future(looking)
    await turn()
    assert not task.done()
    forward(PATIENCE)
    return await task


async def test_an_answer_is_kept_while_it_is_fresh(resolver: Resolver, server: NameServer, forward: Forward) -> None:
    assert resolver.known("a.test") is None
    server.answer = ["10.0.0.2", "10.0.0.1", "10.0.0.2"]
    assert await resolver.addresses("a.test", "q") == ("10.0.0.2", "10.0.0.1")
    forward(FRESH_FOR - 0.1)
    assert resolver.known("a.test") == ("10.0.0.2", "10.0.0.1")
    forward(0.1)
    assert resolver.known("a.test") is None


async def test_an_old_answer_is_replaced_by_a_new_one(resolver: Resolver, server: NameServer, forward: Forward) -> None:
    await resolver.addresses("a.test", "q")
    forward(FRESH_FOR)
    server.answer = ["10.0.0.2"]
    assert await resolver.addresses("a.test", "q") == ("10.0.0.2",)


async def test_a_stale_answer_is_served_when_the_server_thinks_too_long(
    resolver: Resolver, server: NameServer, forward: Forward
) -> None:
    await resolver.addresses("a.test", "q")
    forward(FRESH_FOR)
    server.answer = None
    assert await within_patience(resolver.addresses("a.test", "q"), forward) == ("10.0.0.1",)
    assert await resolver.addresses("a.test", "q") == ("10.0.0.1",)  # from now on at once
    assert server.asked == 2
    forward(SILENT_FOR)
    assert await within_patience(resolver.addresses("a.test", "q"), forward) == ("10.0.0.1",)


async def test_a_stale_answer_is_served_when_the_server_cannot_say(
    resolver: Resolver, server: NameServer, forward: Forward
) -> None:
    await resolver.addresses("a.test", "q")
    forward(FRESH_FOR)
    server.answer = Unanswered()
    assert await resolver.addresses("a.test", "q") == ("10.0.0.1",)
    assert await resolver.addresses("a.test", "q") == ("10.0.0.1",)
    assert server.asked == 2
    forward(SILENT_FOR)
    server.answer = ["10.0.0.2"]
    assert await resolver.addresses("a.test", "q") == ("10.0.0.2",)
    assert resolver.known("a.test") == ("10.0.0.2",)


async def test_a_stale_answer_is_not_served_for_ever(resolver: Resolver, server: NameServer, forward: Forward) -> None:
    await resolver.addresses("a.test", "q")
    forward(STALE_FOR)
    server.answer = Unanswered()
    with pytest.raises(Unanswered):
        await resolver.addresses("a.test", "q")


async def test_a_name_that_has_no_address_any_more_is_not_called(
    resolver: Resolver, server: NameServer, forward: Forward
) -> None:
    await resolver.addresses("a.test", "q")
    forward(FRESH_FOR)
    server.answer = HostNotFound()
    with pytest.raises(HostNotFound):
        await resolver.addresses("a.test", "q")
    forward(NOT_FOUND_FOR)
    server.answer = Unanswered()
    with pytest.raises(Unanswered):
        await resolver.addresses("a.test", "q")


@pytest.mark.parametrize(
    ("answer", "raised", "seconds"),
    [
        (HostNotFound(), HostNotFound, NOT_FOUND_FOR),
        ([], HostNotFound, NOT_FOUND_FOR),
        (Unanswered(), Unanswered, SILENT_FOR),
    ],
)
async def test_failures_are_remembered_briefly(
    resolver: Resolver, server: NameServer, forward: Forward, answer: Answer, raised: type[Exception], seconds: float
) -> None:
    server.answer = answer
    for _ in range(3):
        with pytest.raises(raised):
            await resolver.addresses("a.test", "q")
    assert server.asked == 1
    forward(seconds)
    server.answer = ["10.0.0.1"]
    assert await resolver.addresses("a.test", "q") == ("10.0.0.1",)


async def test_the_oldest_names_are_forgotten_first(resolver: Resolver, server: NameServer) -> None:
    for number in range(REMEMBERED_MAX + 1):
        await resolver.addresses(f"{number}.test", "q")
    assert resolver.known("0.test") is None
    assert resolver.known("1.test") is not None
    assert resolver.known(f"{REMEMBERED_MAX}.test") is not None


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), HostNotFound),
        (socket.gaierror(socket.EAI_AGAIN, "silent"), Unanswered),
        (socket.gaierror(socket.EAI_FAIL, "broken"), Unanswered),
        (OSError(24, "too many open files"), Unanswered),
        (UnicodeError("label too long"), HostNotFound),
    ],
)
async def test_what_the_system_says_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("socket.getaddrinfo", fail)
    with pytest.raises(raised):
        await system_lookup("a.test")


async def test_the_threads_of_a_silent_name_server_are_bounded(
    monkeypatch: pytest.MonkeyPatch, time: TestClock
) -> None:
    silence = threading.Event()
    began = threading.Semaphore(0)

    def getaddrinfo(name: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if name != "good.test":
            began.release()
            silence.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 0))]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    resolver = Resolver(time, system_lookup)
    silent = [asyncio.create_task(resolver.addresses(f"{number}.test", "bad")) for number in range(300)]
    for _ in range(SHARE):
        await asyncio.to_thread(began.acquire)
    try:
        assert await resolver.addresses("good.test", "good") == ("10.0.0.1",)
        assert sum(thread.name == "resolve" for thread in threading.enumerate()) <= SHARE + 1
        for task in silent:
            task.cancel()
        await turn()
        assert not began.acquire(blocking=False)
    finally:
        silence.set()
        resolver.close()
