"""The queue.yaml that the settings name, applied before anybody is answered."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from tidegate.api.queue_files import apply_queue_file, plain_project, read_queue_file
from tidegate.core.errors import ApiError
from tidegate.core.names import PROJECT_ID, LocationName
from tidegate.engine.engine import Engine
from tidegate.servers.asgi import StartupError
from tidegate.settings import Settings


async def apply_queues(engine: Engine, settings: Settings) -> None:
    """Apply the queue.yaml, if one is named. Queues that the settings name beside it may be left out of it.

    Raises StartupError when the file cannot be had or says what none may say.
    """
    path = settings.queues
    if path is None:
        return
    try:
        data = await asyncio.to_thread(Path(path).read_bytes)
        file = await read_queue_file(data, engine.policy.ceilings)
        project = settings.project or plain_project(file.application)
        if not re.fullmatch(PROJECT_ID, project):
            raise StartupError(f"{path} names no application; say with --project whose its queues are")
        location = LocationName(f"projects/{project}/locations/{settings.location}")
        await apply_queue_file(engine, location, file, {setup.name for setup in settings.queue})
    except OSError as error:
        raise StartupError(f"cannot read {path}: {error.strerror}; check the path after --queues") from error
    except ApiError as error:
        raise StartupError(f"{path}: {error.message}") from error
