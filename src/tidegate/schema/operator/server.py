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
    """As it is written in a flag or a variable; what is secret is ``***``."""
    source: str = field(STRING, 3)
    """Where it was said: ``flag --port``, ``TIDEGATE_PORT``, ``tidegate.toml, line 3`` or ``default``."""


class ServerLimits(Message):
    """What the server takes at most."""

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
    """Bytes of all requests and answers together."""


class Me(Message):
    """Who calls, and what they may do on the whole server."""

    member: str = field(STRING, 1)
    """As policies write it; ``allUsers`` for nobody in particular."""
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
        """Its heartbeat stood still; others take over what it held."""

    name: str = field(STRING, 1)
    """``nodes/NAME``."""
    state: State = field(State, 2)
    version: str = field(STRING, 3)
    start_time: datetime | None = field(Timestamp, 4)
    last_seen_time: datetime | None = field(Timestamp, 5)
    """When it last showed that it lives."""
    address: str = field(STRING, 6)
    in_flight: int = field(INT64, 7)
    """Attempts under way there."""
    current: bool = field(BOOL, 8)
    """Whether this is the node that answers."""


class GetServerRequest(Message):
    """The server."""


class DrainRequest(Message):
    """A node that is to start no more attempts; it goes on answering calls. Another one than the node that answers does
    so within two seconds.
    """

    node: str = field(STRING, 1)
    """Its name, as ListNodes has it; empty for the one that answers."""


class UndrainRequest(Message):
    """A node that is to start attempts again."""

    node: str = field(STRING, 1)
    """Its name; empty for the one that answers."""


class ResetServerRequest(Message):
    """Back to the state after the start: the queues of the settings and nothing else. Only with ``dev``."""


class ListNodesRequest(Message):
    """All nodes."""


class ListNodesResponse(Message):
    """The nodes, by name."""

    nodes: MutableSequence[Node] = repeated(Node, 1)
