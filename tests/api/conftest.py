"""The API over a real engine in memory: a clock of ours, IDs in order, and a sender that is never asked."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.ids import CountingIds

from tidegate.api.rpcs import Api
from tidegate.engine.engine import Engine
from tidegate.engine.ports.world import Timer, World
from tidegate.schema import v2, v2beta2, v2beta3
from tidegate.storage.sqlite import MemoryStore

NOON = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
LOCATION = "projects/p/locations/us-central1"
QUEUE = f"{LOCATION}/queues/q"
TASK = f"{QUEUE}/tasks/t"
QUEUE_MISSING = (
    "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."
)


class FakeClock:
    def __init__(self) -> None:
        self.moment = NOON

    def now(self) -> datetime:
        return self.moment

    def elapsed(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        return (self.moment - NOON).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def call_at(self, moment: datetime, wake: Callable[[], None]) -> Timer:
        raise AssertionError("nobody waits here")

    def call_later(self, seconds: float, wake: Callable[[], None]) -> Timer:
        raise AssertionError("nobody waits here")

    def advance(self, **span: float) -> None:
        self.moment += timedelta(**span)


class Silence:
    """A sender, a token mint and a listener to events in one; nobody hears from it."""

    connections_kept_for = 4.0

    def emit(self, event: Any) -> None:
        pass


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def engine(clock: FakeClock, store: MemoryStore) -> Engine:
    silence: Any = Silence()
    return Engine(World(store, silence, silence, clock, clock, CountingIds(), silence))


class Caller:
    """Calls an RPC by its name with the fields of its request: ``await call("get_queue", name=QUEUE)``."""

    def __init__(self, engine: Engine, schema: Any = v2) -> None:
        self.api = Api(engine)
        self.rows = {row.name: row for service in schema.SERVICES for row in service.rpcs}

    async def __call__(self, rpc: str, **fields: Any) -> Any:
        row = self.rows[rpc]
        request = row.request(**fields)
        return await self.api.method(row)(request if row.request is row.request_pb else row.request.pb(request))


@pytest.fixture
def call(engine: Engine) -> Callable[..., Any]:
    """Calls of v2."""
    return Caller(engine)


@pytest.fixture
def call3(engine: Engine) -> Callable[..., Any]:
    """Calls of v2beta3."""
    return Caller(engine, v2beta3)


@pytest.fixture
def call2(engine: Engine) -> Callable[..., Any]:
    """Calls of v2beta2."""
    return Caller(engine, v2beta2)
