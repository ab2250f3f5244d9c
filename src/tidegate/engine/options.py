"""What a queue keeps of attempts and of tasks that it gives up: read and changed."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tidegate.core.errors import Aborted
from tidegate.core.names import QueueName
from tidegate.core.queue_options import Keeping, QueueOptions, check_options, keeping
from tidegate.engine.finishing import to_its_end
from tidegate.engine.lookup import found
from tidegate.engine.ports.events import QueueChanged
from tidegate.engine.ports.store import StoredQueue, Transaction
from tidegate.engine.ports.world import World

UNSET = QueueOptions()


class ShownOptions(Struct, frozen=True):
    """What was set for a queue, what it keeps by that and by the server's settings, and the etag of what was set."""

    options: QueueOptions
    keeping: Keeping
    etag: str


class Options:
    """What the calls about QueueOptions do, with names parsed; ``otherwise`` is what the settings say."""

    def __init__(self, world: World, otherwise: Keeping) -> None:
        self._store = world.store
        self._events = world.events
        self._otherwise = otherwise

    async def get(self, queue: QueueName) -> ShownOptions:
        """The options of a queue. Raises NotFound."""
        return self._shown(await self._store.read(lambda reader: found(reader.queue(queue))))

    @to_its_end
    async def update(
        self, queue: QueueName, change: Callable[[QueueOptions], QueueOptions], etag: str = ""
    ) -> ShownOptions:
        """The options as ``change`` makes them of the present ones. Raises NotFound, InvalidArgument for what is out of
        range, Aborted for an ``etag`` that is not the present one.
        """

        def work(tx: Transaction) -> StoredQueue:
            stored = found(tx.queue(queue))
            present = stored.queue.options or UNSET
            if etag and etag != etag_of(present):
                raise Aborted("QueueOptions.etag is not the present one: the options were changed meanwhile.")
            changed = change(present)
            check_options(changed)
            kept = None if changed == UNSET else changed
            tx.save_queue(stored, replace(stored.queue, options=kept))
            return replace(stored, queue=replace(stored.queue, options=kept))

        stored = await self._store.write(work, changes={queue})
        self._events.emit(QueueChanged(queue, "options changed"))
        return self._shown(stored)

    def _shown(self, stored: StoredQueue) -> ShownOptions:
        options = stored.queue.options or UNSET
        return ShownOptions(options, keeping(stored.queue.options, self._otherwise), etag_of(options))


def etag_of(options: QueueOptions) -> str:
    """The etag of options: the same for the same."""
    return sha256(msgspec.msgpack.encode(options)).hexdigest()[:16]
