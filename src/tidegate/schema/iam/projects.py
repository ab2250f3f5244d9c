"""A project, in the form of Google's Resource Manager v1. Projects need not be made: each well-formed ID is one."""

from __future__ import annotations

from tidegate.schema.declare import INT64, STRING, Enum, Message, field, module

__protobuf__ = module("tidegate.iam.v1", "Project", "GetProjectRequest")


class Project(Message):
    """A project."""

    class LifecycleState(Enum):
        """Whether it is in use."""

        LIFECYCLE_STATE_UNSPECIFIED = 0
        ACTIVE = 1

    project_number: int = field(INT64, 1)
    project_id: str = field(STRING, 2)
    lifecycle_state: LifecycleState = field(LifecycleState, 3)
    name: str = field(STRING, 4)


class GetProjectRequest(Message):
    """Reads one project."""

    name: str = field(STRING, 1)
    """``projects/P``."""
