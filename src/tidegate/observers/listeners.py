"""All who are told of the engine's events, as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidegate.engine.ports.events import Event, Events

Heard = Callable[[Any], None]
"""What is called with an event of one class."""


class ByClass:
    """``ports.Events`` of who hears some classes of events only: ``hears`` says which, and what is called for each."""

    def __init__(self, hears: Mapping[type[Event], Heard]) -> None:
        self.hears = hears

    def emit(self, event: Event) -> None:
        heard = self.hears.get(type(event))
        if heard is not None:
            heard(event)


class Listeners:
    """``ports.Events``: tells whoever wants to know, in the order in which they came. Some come and go.

    An event is told to those only who hear its class: each attempt has two events, and most listeners hear neither
    (a call of Python's costs as much as what it counts).
    """

    def __init__(self, *listeners: Events) -> None:
        self._listeners = listeners
        self._told: dict[type[Event], tuple[Heard, ...]] = {}

    def add(self, listener: Events) -> None:
        self._listeners = (*self._listeners, listener)
        self._told.clear()

    def remove(self, listener: Events) -> None:
        self._listeners = tuple(each for each in self._listeners if each is not listener)
        self._told.clear()

    def emit(self, event: Event) -> None:
        told = self._told.get(type(event))
        if told is None:
            told = self._told[type(event)] = self._who_hears(type(event))
        for heard in told:
            heard(event)

    def _who_hears(self, event: type[Event]) -> tuple[Heard, ...]:
        heard = (_heard(listener, event) for listener in self._listeners)
        return tuple(each for each in heard if each is not None)


def _heard(listener: Events, event: type[Event]) -> Heard | None:
    return listener.hears.get(event) if isinstance(listener, ByClass) else listener.emit
