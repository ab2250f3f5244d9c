"""What a queue keeps of its attempts and of the tasks that it gives up, beyond what Cloud Tasks has words for.

Each part may be left unset in a queue; then the server's settings say it.
"""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct, structs

from tidegate.core.errors import InvalidArgument

LONGEST_KEPT: Final = timedelta(days=365)
"""The longest ``keep_for``. Our choice."""
MOST_DEAD_TASKS: Final = 1_000_000
MOST_DEAD_BYTES: Final = 16 * 2**30
"""The most that a queue's shelf may be given. Our choices: a store of one file is still quick with it."""
MOST_ATTEMPTS_OF_A_TASK: Final = 100
"""The highest ``per_task``; a task has 100 attempts by default."""


class Keep(IntEnum):
    """Which ended attempts are kept; the numbers are the API's."""

    NONE = 1
    FAILED = 2
    ALL = 3


class DeadLetterOptions(Struct, frozen=True, array_like=True):
    """How long tasks that were given up stay on the queue's shelf, how many, and how many bytes they may take there.
    Where there are more, the oldest go first. None is unset.
    """

    keep_for: timedelta | None = None
    max_tasks: int | None = None
    max_bytes: int | None = None


class AttemptOptions(Struct, frozen=True, array_like=True):
    """Which attempts are kept, how many of each task, how long those of finished tasks, and whether with the beginning
    of the response's body. None is unset.
    """

    keep: Keep | None = None
    per_task: int | None = None
    keep_for: timedelta | None = None
    bodies: bool | None = None


class QueueOptions(Struct, frozen=True, array_like=True):
    """What was set for a queue."""

    dead_letters: DeadLetterOptions = DeadLetterOptions()
    attempts: AttemptOptions = AttemptOptions()


class Keeping(Struct, frozen=True):
    """What a queue keeps, every part settled. The defaults are those of ``tidegate serve``."""

    dead_for: timedelta = timedelta(days=7)
    dead_tasks: int = 10_000
    dead_bytes: int = 64 * 2**20
    attempts: Keep = Keep.FAILED
    attempts_of_a_task: int = 20
    attempts_for: timedelta = timedelta(hours=24)
    bodies: bool = True

    @property
    def shelves(self) -> bool:
        """Whether tasks that are given up are put on the shelf at all."""
        return self.dead_for > timedelta()


def keeping(options: QueueOptions | None, otherwise: Keeping) -> Keeping:
    """What a queue with these options keeps; ``otherwise`` says the parts that are unset."""
    return otherwise if options is None else _keeping(options, otherwise)


@lru_cache(maxsize=1024)  # asked for each attempt, and options hardly ever change
def _keeping(options: QueueOptions, otherwise: Keeping) -> Keeping:
    dead, attempts = options.dead_letters, options.attempts
    said = {
        "dead_for": dead.keep_for,
        "dead_tasks": dead.max_tasks,
        "dead_bytes": dead.max_bytes,
        "attempts": attempts.keep,
        "attempts_of_a_task": attempts.per_task,
        "attempts_for": attempts.keep_for,
        "bodies": attempts.bodies,
    }
    return structs.replace(otherwise, **{name: value for name, value in said.items() if value is not None})


def check_options(options: QueueOptions) -> None:
    """Raises InvalidArgument for a value that is out of its range."""
    dead, attempts = options.dead_letters, options.attempts
    _check_span("deadLetters.keepFor", dead.keep_for)
    _check_number("deadLetters.maxTasks", dead.max_tasks, 1, MOST_DEAD_TASKS)
    _check_number("deadLetters.maxBytes", dead.max_bytes, 1, MOST_DEAD_BYTES)
    _check_number("attempts.perTask", attempts.per_task, 1, MOST_ATTEMPTS_OF_A_TASK)
    _check_span("attempts.keepFor", attempts.keep_for)


def _check_span(field: str, span: timedelta | None) -> None:
    if span is not None and not timedelta() <= span <= LONGEST_KEPT:
        longest = int(LONGEST_KEPT.total_seconds())
        raise InvalidArgument(
            f"QueueOptions.{field} must be between [0s, {longest}s], but it is {span.total_seconds():.15g}s."
        )


def _check_number(field: str, number: int | None, least: int, most: int) -> None:
    if number is not None and not least <= number <= most:
        raise InvalidArgument(f"QueueOptions.{field} must be between {least} and {most}, but it is {number}.")
