"""queue.yaml files, uploaded or given at start: read strictly, then applied in one transaction (behaviour §18).

A queue.yaml needs little of YAML, so only that is read. What could make a small file large (aliases), call for other
types (tags) or hide a mistake (a key given twice) is refused, and so is a file larger or deeper than any queue.yaml.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any, Final

import yaml

from tidegate.core.errors import InvalidArgument
from tidegate.core.names import LocationName, QueueName
from tidegate.core.queue import Queue
from tidegate.core.queue_yaml import QueueFile, planned, read_queue_yaml
from tidegate.core.validation import Ceilings
from tidegate.engine.engine import Engine

LARGEST: Final = 512 * 1024
"""Bytes of a file: more than a thousand queues with every setting."""
DEEPEST: Final = 8
"""Lists and mappings within each other; a queue's ``acl`` is the fourth."""
MERGE: Final = "tag:yaml.org,2002:merge"

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where it is built in: ten times as fast."""


def plain_project(application: str) -> str:
    """The project of an App Engine application, without the partition that may stand before it: ``s~my-project``."""
    return application.rpartition("~")[2]


async def read_queue_file(data: bytes, ceilings: Ceilings) -> QueueFile:
    """What a file says. Raises InvalidArgument."""
    return await asyncio.to_thread(lambda: read_queue_yaml(read_yaml(data), ceilings))


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


def read_yaml(data: bytes) -> Any:
    """The plain data of a YAML file. Raises InvalidArgument."""
    if len(data) > LARGEST:
        raise _refused(f"it has more than {LARGEST // 1024} KiB")
    loader = None
    try:
        _check_events(data)
        loader = LOADER(data)
        node = loader.get_single_node()
        _check_keys(loader, node)
        return None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refused(" ".join(str(error).split())) from None
    finally:
        if loader is not None:
            loader.dispose()


def _check_events(data: bytes) -> None:
    """Refuse what a queue.yaml never needs, before anything is made of the file."""
    depth = 0
    for event in yaml.parse(data, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refused(f"it has an anchor or alias{_at(event)}")
        if getattr(event, "tag", None) is not None:
            raise _refused(f"it has a tag{_at(event)}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _refused(f"more than {DEEPEST} lists and mappings stand in each other{_at(event)}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_keys(loader: Any, node: Any) -> None:
    """Refuse keys that stand twice in a mapping, and those that are no plain values."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
                raise _refused(f"a key is no plain value{_at(key)}")
            name = loader.construct_object(key)
            if name in seen:
                raise _refused(f"the key {name!r} is there twice{_at(key)}")
            seen.add(name)
            _check_keys(loader, value)
    elif isinstance(node, yaml.SequenceNode):
        for each in node.value:
            _check_keys(loader, each)


def _at(where: yaml.Event | yaml.Node) -> str:
    return f", line {where.start_mark.line + 1}"


def _refused(why: str) -> InvalidArgument:
    return InvalidArgument(f"Invalid queue configuration. The file cannot be read as YAML: {why}.")
