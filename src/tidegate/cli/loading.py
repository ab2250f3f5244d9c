"""From where a command's row says its function is to the function: imported when it is wanted, not before."""

from __future__ import annotations

TYPE_CHECKING = False
"""For readers of types alone: the module that has this name takes as long to import as the rest of the help."""

if TYPE_CHECKING:
    from typing import Any


def load(where: str) -> Any:
    """``module:function``, imported."""
    from importlib import import_module

    module, _, name = where.partition(":")
    return getattr(import_module(module), name)
