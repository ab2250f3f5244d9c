"""Who follows a task from the call that creates it to its attempts, where traces are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Queue
from tidegate.core.target import HttpCall
from tidegate.core.task import Task

TraceHeaders: TypeAlias = Sequence[tuple[str, str]]
"""The headers by which a handler goes on with a trace."""


class AttemptTrace(Protocol):
    """One recorded attempt, from its start to its end."""

    def sends(self, call: HttpCall) -> None:
        """This is what is sent."""

    def ended(self, outcome: Outcome) -> None:
        """The attempt is over. Call it once, whatever happens."""


class Tracing(Protocol):
    def creation(self) -> bytes:
        """What tasks keep that the call under way creates, see ``core.trace_context``."""

    def attempt(self, queue: Queue, task: Task) -> tuple[TraceHeaders, AttemptTrace | None]:
        """An attempt of the task starts: what its request carries, and who follows it; None when it is not recorded."""
