"""queue.yaml files, uploaded or given at start: read, then applied in one transaction (behaviour §18)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from tidegate.api.yaml_text import read_yaml
from tidegate.core.names import LocationName, QueueName
from tidegate.core.queue import Queue
from tidegate.core.queue_yaml import QueueFile, planned, read_queue_yaml
from tidegate.core.validation import Ceilings
from tidegate.engine.engine import Engine


def plain_project(application: str) -> str:
    """The project of an App Engine application, without the partition that may stand before it: ``s~my-project``."""
    return application.rpartition("~")[2]


async def read_queue_file(data: bytes, ceilings: Ceilings) -> QueueFile:
    """What a file says. Raises InvalidArgument."""
    text = await asyncio.to_thread(read_yaml, data)
    return read_queue_yaml(text.data, ceilings, text.lines)


async def apply_queue_file(
    engine: Engine, location: LocationName, file: QueueFile, spared: Collection[QueueName] = ()
) -> None:
    """Make, change and disable the queues of a location as a file says; the ``spared`` may be left out of it.

    Raises:
        InvalidArgument: The file does not go with the queues that are there.
        FailedPrecondition: It lists a queue whose name was freed too recently.

    Nothing is changed then.
    """
    listed = {entry.name for entry in file.entries}

    def plan(existing: Sequence[Queue]) -> list[Queue]:
        return planned(
            file, location, [each for each in existing if each.name not in spared or each.name.queue in listed]
        )

    await engine.queues.apply(location, plan)
