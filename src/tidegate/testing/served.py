"""What the verbs need of a server, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from tidegate.testing.apps import Answer
from tidegate.testing.handler_request import HandlerRequest
from tidegate.testing.steps import Steps

LONGEST_WAIT = 10.0
"""Seconds of the machine's time without a sign of the server after which something is wrong with it."""

NO_REST = (
    f"the server did not come to rest within {LONGEST_WAIT:g} s: an attempt is still under way"
    " (faults that delay or hang go by the machine's time)"
)


class Delivery(Protocol):
    """An attempt that waits for its handler's answer."""

    @property
    def request(self) -> HandlerRequest: ...

    def answer(self, answer: Answer) -> None:
        """End the attempt with this answer; from any thread."""

    def refuse(self) -> None:
        """End the attempt as one that no handler takes."""


HandOver = Callable[[Delivery], "Steps[None]"]
"""Lets a handler answer an attempt."""


class Served(Protocol):
    """A server with a clock that can be moved, whose attempts come to this process and wait for ``run_until``."""

    @property
    def target(self) -> str:
        """``HOST:PORT``."""

    def now(self) -> datetime:
        """The time by which tasks go."""

    def begin(self, project: str) -> None:
        """A test begins, which makes its queues in this project."""

    def run_until(self, last: datetime | None, hand_over: HandOver) -> Steps[None]:
        """Make every attempt that is due by ``last``, skipping the time in between, and what follows from them; only
        what is due now for None.

        Raises:
            TimeoutError: the server did not come to rest.
        """

    def move_to(self, moment: datetime) -> Steps[None]:
        """Let the clock show the moment, if that is still to come."""

    def next_due(self) -> datetime | None:
        """When the next task is due that will run by itself; None when there is none."""

    def wait(self, seconds: float) -> Steps[None]:
        """Let so much of the machine's time pass."""

    def queue_fields(self, name: str) -> dict[str, Any]:
        """The fields that a queue of that full name needs so that its attempts come here."""

    def close(self) -> None:
        """Stop the server, or leave it as it was."""
