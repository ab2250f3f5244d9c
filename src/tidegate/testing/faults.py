"""Faults on purpose in a test's hands: what the attempts of its tasks meet."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tidegate.testing.done import Done
from tidegate.testing.spans import Span, span_of


class Fault(Done):
    """A fault that was made, in each of the queues that it is for."""

    def __init__(self, operator: Callable[[], Any], names: list[str]) -> None:
        self.names = names
        """Their full names."""
        self._operator = operator

    @property
    def hits(self) -> int:
        """How many attempts have met it."""
        return sum(self._operator().get_fault(name=name).hit_count for name in self.names)

    def end(self) -> Done:
        """No further attempt meets it."""
        for name in self.names:
            self._operator().delete_fault(name=name)
        return Done()


class Faults:
    """Makes faults.

    Every method takes, besides what its effect needs:

    - ``queue``: a ``Queue``, its ID or its full name; without it every queue that the test has so far.
    - ``times``: how many attempts meet it (``duplicate`` calls that ``attempts``); all without it.
    - ``probability``: the part of the attempts that meets it, 0 to 1.
    - ``task_prefix``, ``url``: only attempts of tasks whose ID begins so, whose URL has this expression in it.
    - ``first``, ``last``: only attempts from, and up to, this number; 1 is a task's first.

    See ``docs/faults.md`` for what each does. Delays go by the machine's time.
    """

    def __init__(self, operator: Callable[[], Any], queues: Callable[[Any], Iterable[str]]) -> None:
        """``queues`` are the full names that a ``queue`` argument means."""
        self._operator = operator
        self._queues = queues

    def refuse(self, **which: Any) -> Fault:
        """Nothing is sent, as if nobody listened at the address."""
        return self._make({"refuse": {}}, which)

    def status(self, code: int, retry_after: Span | None = None, **which: Any) -> Fault:
        """Nothing is sent; the attempt gets this answer."""
        said: dict[str, Any] = {"code": code}
        if retry_after is not None:
            said["retry_after"] = span_of(retry_after)
        return self._make({"status": said}, which)

    def delay(self, by: Span, **which: Any) -> Fault:
        """The request is sent later."""
        return self._make({"delay": {"duration": span_of(by)}}, which)

    def hang(self, **which: Any) -> Fault:
        """Nothing is sent; the attempt ends at its deadline, which is at least 15 s of the machine's time away."""
        return self._make({"hang": {}}, which)

    def no_answer(self, **which: Any) -> Fault:
        """Nothing is sent, as if the connection had broken."""
        return self._make({"no_answer": {}}, which)

    def duplicate(self, times: int = 2, spacing: Span = 0, attempts: int | None = None, **which: Any) -> Fault:
        """The request is sent so many times; the first answer counts."""
        effect = {"duplicate": {"times": times, "spacing": span_of(spacing)}}
        return self._make(effect, which | {"times": attempts})

    def drop_response(self, **which: Any) -> Fault:
        """The request is sent and answered, but the attempt counts as timed out, so that the task comes again."""
        return self._make({"drop_response": {}}, which)

    def clear(self) -> Done:
        """End all faults of the test's queues."""
        for queue in self._queues(None):
            for fault in self._operator().list_faults(parent=queue):
                self._operator().delete_fault(name=fault.name)
        return Done()

    def _make(self, effect: dict[str, Any], which: dict[str, Any]) -> Fault:
        fault = effect | _where(**which)
        queues = list(self._queues(which.get("queue")))
        if not queues:
            raise ValueError("there is no queue yet that the fault could be for: make it with tidegate.queue()")
        made = [self._operator().create_fault(parent=queue, fault=fault).name for queue in queues]
        return Fault(self._operator, made)


def _where(
    *,
    queue: Any = None,  # noqa: ARG001 - it is the fault's parent
    times: int | None = None,
    probability: float | None = None,
    task_prefix: str = "",
    url: str = "",
    first: int = 0,
    last: int = 0,
) -> dict[str, Any]:
    """The fields of a fault that say which attempts meet it."""
    match = {"task_prefix": task_prefix, "url_regex": url, "attempt_from": first, "attempt_to": last}
    fields: dict[str, Any] = {"match": match}
    if times is not None:
        fields["remaining"] = times
    if probability is not None:
        fields["probability"] = probability
    return fields
