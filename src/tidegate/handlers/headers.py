"""The headers that Cloud Tasks sends with each attempt, with types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, Self

PREFIXES = ("x-cloudtasks-", "x-appengine-")


class Headers(Protocol):
    """The headers of a request in any framework: a mapping of names to values, or what behaves like one."""

    def items(self) -> Iterable[tuple[str, str]]: ...


class NotATaskError(ValueError):
    """A request without the headers of a task, or with ones that make no sense."""


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """What the headers of an attempt say (https://cloud.google.com/tasks/docs/creating-http-target-tasks#handler).

    Anybody can send these headers: who must be sure that a request is of a task verifies its token, see ``verify``.
    """

    queue: str
    """The ID of the queue."""
    task: str
    """The ID of the task."""
    retry_count: int
    """Attempts before this one, those that never reached the handler included."""
    execution_count: int
    """Attempts before this one that the handler answered."""
    eta: datetime | None
    """When the attempt was due (aware, UTC)."""
    previous_response: int | None
    """The status of the previous attempt; None for the first."""
    retry_reason: str
    """Why the task is tried again; empty for the first attempt."""
    app_engine: bool
    """Whether it came as App Engine tasks do."""

    @classmethod
    def from_headers(cls, headers: Headers) -> Self:
        """Read the headers of a request; names in any case, also as WSGI and Django have them (``HTTP_X_…``).

        Raises:
            NotATaskError: the request is of no task, or a header is none that Cloud Tasks sends.
        """
        found = {plain_name(name): value for name, value in headers.items()}
        for prefix in PREFIXES:
            if f"{prefix}taskname" in found:
                return cls._read(found, prefix)
        raise NotATaskError("the request has no header X-CloudTasks-TaskName, so no task sent it")

    @classmethod
    def _read(cls, found: Mapping[str, str], prefix: str) -> Self:
        eta = found.get(f"{prefix}tasketa")
        previous = found.get(f"{prefix}taskpreviousresponse")
        try:
            return cls(
                queue=found.get(f"{prefix}queuename", ""),
                task=found[f"{prefix}taskname"],
                retry_count=int(found.get(f"{prefix}taskretrycount", "0")),
                execution_count=int(found.get(f"{prefix}taskexecutioncount", "0")),
                eta=datetime.fromtimestamp(float(eta), UTC) if eta else None,
                previous_response=int(previous) if previous else None,
                retry_reason=found.get(f"{prefix}taskretryreason", ""),
                app_engine=prefix == PREFIXES[1],
            )
        except (ValueError, OverflowError, OSError) as error:
            raise NotATaskError(f"a header of the task makes no sense: {error}") from None


def plain_name(name: str) -> str:
    """The name of a header as HTTP has it, in lower case."""
    return name.removeprefix("HTTP_").replace("_", "-").lower() if name.isupper() else name.lower()
