"""The audit log: calls that changed something or were refused."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.status_pb2 import Status

from tidegate.schema.declare import BOOL, INT32, STRING, Message, field, module, repeated

__protobuf__ = module(
    "tidegate.operator.v1",
    "AuditEntry",
    "ListAuditEntriesRequest",
    "ListAuditEntriesResponse",
)


class AuditEntry(Message):
    """A call that changed something, touched a policy, or was refused."""

    time: datetime | None = field(Timestamp, 1)
    log: str = field(STRING, 2)
    """``activity``, ``data_access`` or ``policy``."""
    method: str = field(STRING, 3)
    """``google.cloud.tasks.v2.CloudTasks.CreateQueue``."""
    resource: str = field(STRING, 4)
    member: str = field(STRING, 5)
    permission: str = field(STRING, 6)
    granted: bool = field(BOOL, 7)
    caller_address: str = field(STRING, 8)
    status: Status = field(Status, 9)
    """How the call ended."""


class ListAuditEntriesRequest(Message):
    """Lists the entries of a location, newest first."""

    parent: str = field(STRING, 1)
    filter: str = field(STRING, 2)
    page_size: int = field(INT32, 3)
    page_token: str = field(STRING, 4)


class ListAuditEntriesResponse(Message):
    """A page of entries."""

    entries: MutableSequence[AuditEntry] = repeated(AuditEntry, 1)
    next_page_token: str = field(STRING, 2)
