"""All who are told of the engine's events, as one."""

from __future__ import annotations

from tidegate.engine.ports.events import Event, Events


class Listeners:
    """``ports.Events``: tells whoever wants to know, in the order in which they came. Some come and go."""

    def __init__(self, *listeners: Events) -> None:
        self._listeners = listeners

    def add(self, listener: Events) -> None:
        self._listeners = (*self._listeners, listener)

    def remove(self, listener: Events) -> None:
        self._listeners = tuple(each for each in self._listeners if each is not listener)

    def emit(self, event: Event) -> None:
        for listener in self._listeners:
            listener.emit(event)
