"""The views of a task, ``Task.View``: with its body or without."""

from __future__ import annotations

from typing import Final

VIEW_UNSPECIFIED: Final = 0
BASIC: Final = 1
FULL: Final = 2

_ANSWERED: Final = {VIEW_UNSPECIFIED: BASIC, BASIC: BASIC, FULL: FULL}


def read_view(sent: int) -> int:
    """The view to answer in: BASIC for the unspecified one, and ``VIEW_UNSPECIFIED`` for a number that is no view.

    ``VIEW_UNSPECIFIED`` shows what BASIC shows, and the task in the answer says that its view is unspecified.
    """
    return _ANSWERED.get(sent, VIEW_UNSPECIFIED)
