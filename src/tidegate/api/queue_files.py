"""queue.yaml files, uploaded or given at start: read, then applied in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from tidegate.core.names import LocationName, QueueName
from tidegate.core.queue import Queue
from tidegate.core.queue_yaml import QueueFile, planned, read_queue_yaml
from tidegate.core.validation import Ceilings
from tidegate.engine.engine import Engine
from tidegate.engine.queues import QueueFileVersion


class ReadFile(Struct, frozen=True):
    """A file that can be applied. Files with the same ``digest`` differ in layout and comments only."""

    file: QueueFile
    digest: bytes


def plain_project(application: str) -> str:
    """The project of an App Engine application, without the partition that may stand before it: ``s~my-project``."""
    return application.rpartition("~")[2]


async def read_queue_file(data: bytes, ceilings: Ceilings) -> ReadFile:
    """Read a file. Raises InvalidArgument."""
    from tidegate.api.yaml_text import read_yaml  # noqa: PLC0415 - a thirtieth of the start, for who never has a file

    text = await asyncio.to_thread(read_yaml, data)
    file = read_queue_yaml(text.data, ceilings, text.lines)
    # The digest of the data, not of the values made of it: other versions of this program must compute the same.
    return ReadFile(file, sha256(msgspec.json.encode(text.data, order="deterministic")).digest())


async def apply_queue_file(
    engine: Engine,
    location: LocationName,
    read: ReadFile,
    spared: Collection[QueueName] = (),
    *,
    only_if_new: bool = False,
) -> Sequence[Queue] | None:
    """Make, change and disable the queues of a location as a file says. ``spared`` queues it may leave out.

    Returns the queues that were made or changed. With ``only_if_new``, None is returned and nothing is changed
    when this file was the last that was applied to the location.

    Raises:
        InvalidArgument: The file contradicts the queues that exist.
        FailedPrecondition: It lists a queue whose name was freed too recently.

    After an error nothing has changed.
    """
    file = read.file
    listed = {entry.name for entry in file.entries}

    def plan(existing: Sequence[Queue]) -> list[Queue]:
        return planned(
            file, location, [each for each in existing if each.name not in spared or each.name.queue in listed]
        )

    return await engine.queues.apply(location, plan, QueueFileVersion(read.digest, only_if_new))
