"""Export and import of queues and tasks as records."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime

from google.iam.v1.policy_pb2 import Policy
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import BOOL, INT64, STRING, Enum, Message, field, module, repeated
from tidegate.schema.operator.bulk import Failure
from tidegate.schema.operator.dead_letters import DeadTask
from tidegate.schema.operator.options import QueueOptions
from tidegate.schema.v2beta3.queue import Queue
from tidegate.schema.v2beta3.task import Task

__protobuf__ = module(
    "tidegate.operator.v1",
    "StateHeader",
    "QueueRecord",
    "StateTrailer",
    "StateRecord",
    "ExportStateRequest",
    "ImportStateRequest",
    "ImportStateResponse",
)


class StateHeader(Message):
    """The first record."""

    format_version: int = field(INT64, 1)
    """1."""
    server_version: str = field(STRING, 2)
    export_time: datetime | None = field(Timestamp, 3)
    parent: str = field(STRING, 4)
    secrets_masked: bool = field(BOOL, 5)
    """Whether secrets in headers and URLs were replaced by ``***``."""


class QueueRecord(Message):
    """A queue with its settings."""

    queue: Queue = field(Queue, 1)
    options: QueueOptions = field(QueueOptions, 2)
    policy: Policy = field(Policy, 3)
    """Only when policies were asked for."""


class StateTrailer(Message):
    """The last record: an export without it is not complete."""

    queues: int = field(INT64, 1)
    tasks: int = field(INT64, 2)
    dead_tasks: int = field(INT64, 3)


class StateRecord(Message):
    """One record of an export."""

    header: StateHeader = field(StateHeader, 1, oneof="record")
    queue: QueueRecord = field(QueueRecord, 2, oneof="record")
    task: Task = field(Task, 3, oneof="record")
    """Whole, with its body, counts and times."""
    dead_task: DeadTask = field(DeadTask, 4, oneof="record")
    trailer: StateTrailer = field(StateTrailer, 5, oneof="record")
    traceparent: str = field(STRING, 6)
    """The span that created the task or dead task, as W3C Trace Context writes it. Empty where none is kept."""
    tracestate: str = field(STRING, 7)
    """What goes with ``traceparent``, if anything does."""


class ExportStateRequest(Message):
    """Exports a location, a project or (``-``) the whole server."""

    parent: str = field(STRING, 1)
    queues: MutableSequence[str] = repeated(STRING, 2)
    """Only these, by their full names; empty for all."""
    include_dead: bool = field(BOOL, 3)
    include_policies: bool = field(BOOL, 4)
    include_secrets: bool = field(BOOL, 5)
    """Export credentials in headers and URLs as they are; without it they are ``***``, and an imported task sends
    that.
    """


class ImportStateRequest(Message):
    """Imports records of an export, a part at a time and in their order."""

    class OnConflict(Enum):
        """What to do with a record whose name is taken."""

        ON_CONFLICT_UNSPECIFIED = 0
        """SKIP."""
        SKIP = 1
        FAIL = 2
        REPLACE = 3

    parent: str = field(STRING, 1)
    records: MutableSequence[StateRecord] = repeated(StateRecord, 2)
    """At most 100, and 16 MiB."""
    on_conflict: OnConflict = field(OnConflict, 3)
    paused: bool = field(BOOL, 4)
    """Create the queues paused."""


class ImportStateResponse(Message):
    """The result of an import."""

    imported: int = field(INT64, 1)
    skipped: int = field(INT64, 2)
    failures: MutableSequence[Failure] = repeated(Failure, 3)
