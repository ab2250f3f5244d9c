"""UploadQueueYaml: all queues of a location at once, as a file says (behaviour §18)."""

from __future__ import annotations

from functools import partial
from typing import Any

import yaml
from google.protobuf.empty_pb2 import Empty

from tidegate.api.dialect import Dialect
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import LocationName, ProjectName
from tidegate.core.queue_yaml import planned, read_queue_yaml
from tidegate.engine.engine import Engine


def project_of(request: Any) -> str:
    """The project that an upload is for. App Engine puts its partition before it, as in ``s~my-project``."""
    app = request.app_id.rpartition("~")[2]
    return f"projects/{app}" if app else ""


async def upload_queue_yaml(location: str, engine: Engine, dialect: Dialect, request: Any, project: ProjectName) -> Any:
    """``location`` is the ID of the one that all uploads are for: a file does not say where its queues are."""
    await apply_queue_yaml(engine, LocationName(f"{project}/locations/{location}"), request.http_body.data)
    return Empty()


async def apply_queue_yaml(engine: Engine, location: LocationName, data: bytes) -> None:
    """Make, change and disable the queues of a location as a queue.yaml says.

    Raises:
        InvalidArgument: The file says what none may say.
        FailedPrecondition: It lists a queue whose name was freed too recently.

    Nothing is changed then.
    """
    file = read_queue_yaml(read_yaml(data), engine.policy.ceilings)
    await engine.queues.apply(location, partial(planned, file, location))


def read_yaml(data: bytes) -> Any:
    """The plain data of a YAML file."""
    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise InvalidArgument(f"Invalid queue configuration. The file is no YAML: {reason}") from None
