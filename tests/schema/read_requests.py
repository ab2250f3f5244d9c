"""Requests of REST as they are read, and what is said of those that are refused."""

import json
from typing import Any

import pytest

from tidegate.core.errors import BadRequest, InvalidArgument
from tidegate.schema import v2
from tidegate.schema.rpc import Rpc
from tidegate.schema.transcoding.request import read_request

ROWS = v2.CloudTasks
BATCH = ROWS.batch_create_tasks
QUEUE = "projects/p/locations/l/queues/q"
PARENT = {"parent": "projects/p/locations/l/queues/q"}


def create(body: Any, query: str = "") -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read_request(ROWS.create_task, PARENT, query, raw, "application/json")


def lists(query: str, row: Rpc[Any, Any] = ROWS.list_tasks) -> Any:
    return read_request(row, PARENT, query)


def refusal(row: Rpc[Any, Any], query: str = "", body: Any = b"") -> InvalidArgument:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(InvalidArgument) as caught:
        read_request(row, {}, query, raw)
    return caught.value


def lines(row: Rpc[Any, Any], query: str = "", body: Any = b"") -> list[tuple[str, str]]:
    """Each violation with its field; together they are the message."""
    error = refusal(row, query, body)
    (details,) = error.details
    assert isinstance(details, BadRequest)
    assert error.message == "\n".join(violation.description for violation in details.violations)
    return [(violation.description, violation.field) for violation in details.violations]


UNKNOWN = "Invalid JSON payload received. Unknown name "
TASKS = "type.googleapis.com/google.cloud.tasks.v2."
