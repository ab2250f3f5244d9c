"""Who follows a task from the call that creates it to its attempts, where traces are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidegate.core.lifecycle import Outcome
from tidegate.core.queue import Queue
from tidegate.core.target import HttpCall
from tidegate.core.task import Task


class AttemptTrace(Protocol):
    """One attempt, from its start to its end."""

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """The headers by which a handler goes on with the trace."""

    def sends(self, call: HttpCall) -> None:
        """This is what is sent."""

    def ended(self, outcome: Outcome) -> None:
        """The attempt is over. Call it once, whatever happens."""


class Tracing(Protocol):
    def creation(self) -> bytes:
        """What tasks keep that the call under way creates, see ``core.trace_context``; empty outside of a call."""

    def attempt(self, queue: Queue, task: Task) -> AttemptTrace:
        """An attempt of the task starts."""
