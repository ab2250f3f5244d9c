"""Options of a queue that Cloud Tasks does not have: which dead tasks and attempts are kept."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from tidegate.schema.declare import BOOL, INT32, INT64, STRING, Enum, Message, field, module

__protobuf__ = module(
    "tidegate.operator.v1",
    "DeadLetterOptions",
    "AttemptOptions",
    "QueueOptions",
    "GetQueueOptionsRequest",
    "UpdateQueueOptionsRequest",
)


class DeadLetterOptions(Message):
    """How many tasks that were given up are kept. The oldest go first. 0 stands for the server's default."""

    keep_for: timedelta = field(Duration, 1)
    """0s keeps none; unset is the default."""
    max_tasks: int = field(INT32, 2)
    max_bytes: int = field(INT64, 3)


class AttemptOptions(Message):
    """Which attempts are kept."""

    class Keep(Enum):
        """Which attempts are kept."""

        KEEP_UNSPECIFIED = 0
        """The server's default."""
        NONE = 1
        FAILED = 2
        ALL = 3

    keep: Keep = field(Keep, 1)
    per_task: int = field(INT32, 2)
    """The most attempts of one task; the newest stay. 0 is the default."""
    keep_for: timedelta = field(Duration, 3)
    """How long those of finished tasks stay, when ALL are kept; unset is the default."""
    bodies: bool = field(BOOL, 4, optional=True)
    """Whether the first KiB of responses is kept; unset is the default."""


class QueueOptions(Message):
    """The options of a queue. What is not set for it has the server's default."""

    name: str = field(STRING, 1)
    """``projects/P/locations/L/queues/Q/options``."""
    dead_letters: DeadLetterOptions = field(DeadLetterOptions, 2)
    attempts: AttemptOptions = field(AttemptOptions, 3)
    etag: str = field(STRING, 4)
    """Sent with an update: it is refused when the options were changed meanwhile."""


class GetQueueOptionsRequest(Message):
    """Reads the options of a queue."""

    name: str = field(STRING, 1)


class UpdateQueueOptionsRequest(Message):
    """Changes the options of a queue."""

    options: QueueOptions = field(QueueOptions, 1)
    update_mask: FieldMask = field(FieldMask, 2)
    """Which fields to replace; absent: all."""
