"""Who answers the calls of Cloud Tasks over REST, by their rows."""

from __future__ import annotations

from typing import Any

from tidegate.api.rpcs import Answer, Api
from tidegate.schema.rpc import Rpc
from tidegate.schema.versions import all_rows
from tidegate.servers.rest.firebase import firebase_answers
from tidegate.servers.rest.mixins import location_answers


def cloud_tasks_answers(api: Api) -> dict[Rpc[Any, Any], Answer]:
    """The rows of every version, and what single clients ask at other paths."""
    return {row: api.method(row) for row in all_rows()} | firebase_answers(api) | location_answers(api)
