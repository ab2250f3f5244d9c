"""The queue.yaml that the settings name, applied before anybody is answered.

A file that was applied before is not applied again: since then an operator may have paused a queue, changed a rate or
made a queue of his own, and a restart must not undo that.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from pathlib import Path

from tidegate.api.queue_files import apply_queue_file, plain_project, read_queue_file
from tidegate.core.errors import ApiError
from tidegate.core.names import PROJECT_ID, LocationName
from tidegate.core.queue import Queue, State
from tidegate.engine.engine import Engine
from tidegate.servers.asgi import StartupError
from tidegate.settings import Settings

logger = logging.getLogger("tidegate")


async def apply_queues(engine: Engine, settings: Settings) -> None:
    """Apply the queue.yaml, if one is named and another one was the last to be applied to its location, at a start or
    by an upload. A line of the log says whether it was. Queues that the settings name beside it may be left out of it.

    Raises StartupError when the file cannot be had or says what none may say.
    """
    path = settings.queues
    if path is None:
        return
    try:
        data = await asyncio.to_thread(Path(path).read_bytes)
        read = await read_queue_file(data, engine.policy.ceilings)
        project = settings.project or plain_project(read.file.application)
        if not re.fullmatch(PROJECT_ID, project):
            raise StartupError(f"{path} names no application; say with --project whose its queues are")
        location = LocationName(f"projects/{project}/locations/{settings.location}")
        spared = {setup.name for setup in settings.queue}
        changed = await apply_queue_file(engine, location, read, spared, only_if_new=True)
    except OSError as error:
        raise StartupError(f"cannot read {path}: {error.strerror}; check the path after --queues") from error
    except ApiError as error:
        raise StartupError(f"{path}: {error.message}") from error
    logger.info("%s", _told(path, location, changed))


def _told(path: str, location: LocationName, changed: Sequence[Queue] | None) -> str:
    """What became of the file, in a line."""
    if changed is None:
        return (
            f"{path} is what was last applied to {location}: the queues are left as they are"
            f" ('tidegate queues apply {path}' applies it again)"
        )
    disabled = [queue.name.queue for queue in changed if queue.state is State.DISABLED]
    others = [queue.name.queue for queue in changed if queue.state is not State.DISABLED]
    parts = [f"{what}: {', '.join(names)}" for what, names in (("set", others), ("disabled", disabled)) if names]
    return f"applied {path} to {location}; {'; '.join(parts) or 'the queues were so already'}"
