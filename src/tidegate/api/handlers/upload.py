"""UploadQueueYaml: all queues of a location at once, as a file says."""

from __future__ import annotations

from typing import Any

from google.protobuf.empty_pb2 import Empty

from tidegate.api.dialect import Dialect
from tidegate.api.queue_files import apply_queue_file, plain_project, read_queue_file
from tidegate.core.names import LocationName, ProjectName
from tidegate.engine.engine import Engine


def project_of(request: Any) -> str:
    """The name of the project that an upload is for, empty when it names no application."""
    app = plain_project(request.app_id)
    return f"projects/{app}" if app else ""


async def upload_queue_yaml(location: str, engine: Engine, dialect: Dialect, request: Any, project: ProjectName) -> Any:
    """``location`` is the ID of the location that all uploads apply to, because a queue.yaml names none."""
    read = await read_queue_file(request.http_body.data, engine.operator_rules.ceilings)
    await apply_queue_file(engine, LocationName(f"{project}/locations/{location}"), read)
    return Empty()
