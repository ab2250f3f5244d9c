"""Each listener is told of the events that it hears, in the order in which listeners came."""

from __future__ import annotations

from tidegate.core.names import QueueName
from tidegate.engine.ports.events import AllDeleted, Event, QueueChanged, QueueDeleted
from tidegate.observers.listeners import ByClass, Listeners

QUEUE = QueueName("projects/p/locations/l/queues/q")
PAUSED, GONE, RESET = QueueChanged(QUEUE, "paused"), QueueDeleted(QUEUE), AllDeleted()


class Everything:
    """Hears every event."""

    def __init__(self, heard: list[tuple[str, Event]]) -> None:
        self._heard = heard

    def emit(self, event: Event) -> None:
        self._heard.append(("everything", event))


def deletions(heard: list[tuple[str, Event]]) -> ByClass:
    return ByClass({QueueDeleted: lambda event: heard.append(("deletions", event))})


def test_a_listener_is_told_of_the_classes_it_hears_in_the_order_of_listeners() -> None:
    heard: list[tuple[str, Event]] = []
    told = Listeners(deletions(heard), Everything(heard))

    for event in (PAUSED, GONE, RESET):
        told.emit(event)

    assert heard == [("everything", PAUSED), ("deletions", GONE), ("everything", GONE), ("everything", RESET)]


def test_who_comes_later_hears_what_happens_from_then_on_until_they_leave() -> None:
    heard: list[tuple[str, Event]] = []
    told = Listeners(deletions(heard))
    told.emit(GONE)
    late = Everything(heard)

    told.add(late)
    told.emit(GONE)
    told.remove(late)
    told.emit(GONE)

    assert [who for who, _ in heard] == ["deletions", "deletions", "everything", "deletions"]


def test_who_hears_some_classes_can_be_told_directly_of_any() -> None:
    heard: list[tuple[str, Event]] = []

    for event in (PAUSED, GONE):
        deletions(heard).emit(event)

    assert heard == [("deletions", GONE)]
