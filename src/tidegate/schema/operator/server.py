"""The server itself: what it is, its settings, its nodes."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import BOOL, DOUBLE, INT32, INT64, STRING, Enum, Message, field, module, repeated

__protobuf__ = module(
    "tidegate.operator.v1",
    "GetServerRequest",
    "DrainRequest",
    "UndrainRequest",
    "ResetServerRequest",
    "ListNodesRequest",
    "ListNodesResponse",
    "Server",
    "Setting",
    "ServerLimits",
    "Me",
    "Node",
)


class Setting(Message):
    """A setting in force."""

    name: str = field(STRING, 1)
    value: str = field(STRING, 2)
    """The value as a flag or a variable has it; secret values are ``***``."""
    source: str = field(STRING, 3)
    """Where it was set: ``flag --port``, ``TIDEGATE_PORT``, ``tidegate.toml, line 3`` or ``default``."""


class ServerLimits(Message):
    """The limits of the server."""

    max_dispatches_per_second: float = field(DOUBLE, 1)
    """The highest rate that a queue may ask for."""
    max_concurrent_dispatches: int = field(INT32, 2)
    """The most attempts at one time that a queue may ask for."""
    max_task_bytes: int = field(INT64, 3)
    max_batch_create: int = field(INT32, 4)
    """Tasks of one BatchCreateTasks."""
    max_batch_delete: int = field(INT32, 5)
    """Names of one BatchDeleteTasks."""
    max_schedule_ahead: timedelta = field(Duration, 6)
    """How far ahead a task may be scheduled."""
    max_bytes_in_flight: int = field(INT64, 7)
    """Bytes of all requests and responses that are being handled."""


class Me(Message):
    """The caller, and its permissions on the whole server."""

    member: str = field(STRING, 1)
    """In the form of policies; ``allUsers`` for a caller without credentials."""
    permissions: MutableSequence[str] = repeated(STRING, 2)


class Server(Message):
    """A server, as the node that answers sees it."""

    class State(Enum):
        """Whether the node starts attempts."""

        STATE_UNSPECIFIED = 0
        SERVING = 1
        DRAINING = 2
        """It starts no attempts, and some are still under way."""
        DRAINED = 3
        """It starts no attempts, and none is under way. Calls are answered."""

    name: str = field(STRING, 1)
    """``server``."""
    version: str = field(STRING, 2)
    start_time: datetime | None = field(Timestamp, 3)
    store: str = field(STRING, 4)
    """Where queues and tasks are kept, as a URL without a password."""
    node: str = field(STRING, 5)
    """The name of the node that answers."""
    features: MutableSequence[str] = repeated(STRING, 6)
    """What is turned on: ``dev``, ``tls`` …"""
    settings: MutableSequence[Setting] = repeated(Setting, 7)
    limits: ServerLimits = field(ServerLimits, 8)
    me: Me = field(Me, 9)
    state: State = field(State, 10)


class Node(Message):
    """A process of the server."""

    class State(Enum):
        """What a node does."""

        STATE_UNSPECIFIED = 0
        SERVING = 1
        DRAINING = 2
        DRAINED = 3
        DEAD = 4
        """Its heartbeat stopped; other nodes take over its work."""

    name: str = field(STRING, 1)
    """``nodes/NAME``."""
    state: State = field(State, 2)
    version: str = field(STRING, 3)
    start_time: datetime | None = field(Timestamp, 4)
    last_seen_time: datetime | None = field(Timestamp, 5)
    """The time of its last heartbeat."""
    address: str = field(STRING, 6)
    in_flight: int = field(INT64, 7)
    """Attempts under way there."""
    current: bool = field(BOOL, 8)
    """Whether this is the node that answers."""


class GetServerRequest(Message):
    """Reads what the server is and may do."""


class DrainRequest(Message):
    """Lets a node start no more attempts; it still answers calls. Another node than the one asked does so in 2 s."""

    node: str = field(STRING, 1)
    """Its name, as ListNodes has it; empty for the one that answers."""


class UndrainRequest(Message):
    """Lets a node start attempts again."""

    node: str = field(STRING, 1)
    """Its name; empty for the one that answers."""


class ResetServerRequest(Message):
    """Deletes everything and makes the queues of the settings again. Only with ``dev``."""


class ListNodesRequest(Message):
    """Lists all nodes."""


class ListNodesResponse(Message):
    """The nodes, by name."""

    nodes: MutableSequence[Node] = repeated(Node, 1)
