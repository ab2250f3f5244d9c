"""What the servers of ``older/`` left in their stores.

A queue that is paused with two tasks, one whose task failed once, a queue and a task that are deleted.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.storage.claims import claim

from tidegate.core.names import QueueName
from tidegate.core.queue import OidcToken, State
from tidegate.core.task import HttpRequest
from tidegate.engine.ports.store import Store, StoredQueue

OLDER = Path(__file__).parent / "older"
WORK, WAITS, GONE = [QueueName.of("p", "l", name) for name in ("work", "waits", "gone")]


def left_by_each(folder: Path) -> list[Path]:
    """The dumps of a folder, by their steps."""
    return sorted(folder.glob("step_*.sql"), key=lambda path: int(path.stem.rpartition("_")[2]))


def left_at(dump: str) -> datetime:
    """When the server left it."""
    found = re.match(r"-- Left .* at (\d+)\.", dump)
    assert found is not None
    return datetime.fromtimestamp(int(found[1]), UTC)


async def queue(store: Store, name: QueueName) -> StoredQueue:
    found = await store.read(lambda tx: tx.queue(name))
    assert found is not None
    return found


async def assert_all_is_there(store: Store, then: datetime) -> None:
    """All that a server left then is in the store, and goes on."""
    waits, work = await queue(store, WAITS), await queue(store, WORK)
    assert (waits.queue.state, work.queue.state) == (State.PAUSED, State.RUNNING)
    assert work.queue.rate_limits.max_dispatches_per_second == 7
    assert await store.read(lambda tx: tx.queue(GONE)) is None
    assert await store.read(lambda tx: tx.queue_name_taken(GONE, then))
    assert await store.read(lambda tx: tx.entombed(waits, ["deleted", "later"], then)) == {"deleted"}

    later = await store.read(lambda tx: tx.task(waits, "later", body=True))
    assert later is not None
    assert later.body == b"hello"
    assert isinstance(later.target, HttpRequest)
    assert later.target.url == "https://handler.test/later"
    assert later.target.headers["X-A"] == "b"
    assert later.schedule_time > then + timedelta(days=19)
    long = await store.read(lambda tx: tx.task(waits, "long", body=True))
    assert long is not None
    assert isinstance(long.target, HttpRequest)
    assert (len(long.body), long.target.token) == (3000, OidcToken("a@b.test", "aud"))

    (failed,) = await store.write(lambda tx: claim(tx, work, then + timedelta(hours=2), 9))
    assert (failed.name.task, failed.dispatch_count) == ("failed", 2)
