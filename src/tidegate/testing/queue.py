"""A queue in a test's hands."""

from __future__ import annotations

from typing import Any, Protocol

from tidegate.testing.done import Done
from tidegate.testing.faults import Faults


class Owner(Protocol):
    """Whose queue it is: where clients of its server come from, and its faults."""

    def client(self, version: str = "v2") -> Any: ...

    @property
    def faults(self) -> Faults: ...


class Queue:
    """A queue of the test. ``name`` is its full name, as calls have it as their parent."""

    def __init__(self, owner: Owner, name: str) -> None:
        self.name = name
        self._owner = owner

    def __str__(self) -> str:
        return self.name

    @property
    def tasks(self) -> list[Any]:
        """The tasks in it, whole, by schedule time: ``tasks_v2.Task``."""
        with self._owner.client() as client:
            view = _tasks_v2().Task.View.FULL
            return list(client.list_tasks(request={"parent": self.name, "response_view": view}))

    @property
    def attempts(self) -> list[Any]:
        """The attempts of its tasks that were kept, the newest first: ``operator_v1.Attempt``."""
        with self._owner.client() as client:
            return list(client.operator.list_attempts(parent=self.name))

    @property
    def dead(self) -> list[Any]:
        """Its tasks that were given up, the newest first: ``operator_v1.DeadTask``."""
        with self._owner.client() as client:
            return list(client.operator.list_dead_tasks(parent=self.name))

    def pause(self) -> Done:
        """Start no attempts of its tasks."""
        with self._owner.client() as client:
            client.pause_queue(name=self.name)
        return Done()

    def resume(self) -> Done:
        """Start attempts again."""
        with self._owner.client() as client:
            client.resume_queue(name=self.name)
        return Done()

    def purge(self) -> Done:
        """Delete its tasks."""
        with self._owner.client() as client:
            client.purge_queue(name=self.name)
        return Done()


def _tasks_v2() -> Any:
    """``tidegate.tasks_v2``, which is slow to import."""
    from tidegate import tasks_v2  # noqa: PLC0415

    return tasks_v2
