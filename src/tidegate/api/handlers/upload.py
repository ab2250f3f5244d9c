"""UploadQueueYaml: all queues of a location at once, as a file says."""

from __future__ import annotations

from typing import Any

from google.protobuf.empty_pb2 import Empty

from tidegate.api.dialect import Dialect
from tidegate.api.queue_files import apply_queue_file, plain_project, read_queue_file
from tidegate.core.names import LocationName, ProjectName
from tidegate.engine.engine import Engine


def project_of(request: Any) -> str:
    """The project that an upload is for."""
    app = plain_project(request.app_id)
    return f"projects/{app}" if app else ""


async def upload_queue_yaml(location: str, engine: Engine, dialect: Dialect, request: Any, project: ProjectName) -> Any:
    """``location`` is the ID of the one that all uploads are for: a file does not say where its queues are."""
    read = await read_queue_file(request.http_body.data, engine.policy.ceilings)
    await apply_queue_file(engine, LocationName(f"{project}/locations/{location}"), read)
    return Empty()
