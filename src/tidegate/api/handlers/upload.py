"""UploadQueueYaml: all queues of a location at once, as a file says (behaviour §18)."""

from __future__ import annotations

from functools import partial
from typing import Any

import yaml
from google.protobuf.empty_pb2 import Empty

from tidegate.api.dialect import Dialect
from tidegate.api.handlers.locations import DEFAULT_LOCATION
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import LocationName, ProjectName
from tidegate.core.queue import Queue
from tidegate.core.queue_yaml import planned, read_queue_yaml
from tidegate.engine.engine import Engine

PAGE = 1000  # queues read at a time


def project_of(request: Any) -> str:
    """The project that an upload is for. App Engine puts its partition before it, as in ``s~my-project``."""
    app = request.app_id.rpartition("~")[2]
    return f"projects/{app}" if app else ""


async def upload_queue_yaml(engine: Engine, dialect: Dialect, request: Any, project: ProjectName) -> Any:
    file = read_queue_yaml(read_yaml(request.http_body.data), engine.policy.ceilings)
    location = LocationName(f"{project}/locations/{DEFAULT_LOCATION}")
    for queue in planned(file, location, await _existing(engine, location)):
        await engine.queues.update(queue.name, partial(_replaced_by, queue))
    return Empty()


def _replaced_by(queue: Queue, stored: Queue | None) -> Queue:
    return queue


def read_yaml(data: bytes) -> Any:
    """The plain data of a YAML file."""
    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InvalidArgument(f"Invalid queue configuration. The file is no YAML: {reason}") from None


async def _existing(engine: Engine, location: LocationName) -> list[Queue]:
    queues: list[Queue] = []
    after = ""
    while page := await engine.queues.list(location, after, PAGE):
        queues += page
        after = page[-1].name.queue
    return queues
