"""Names that are imported when they are first asked for."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any


def exports(module: str, origins: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` for a module whose names live elsewhere.

    ``origins`` has the module of each name. A name that is the last part of its own origin is a module.
    """

    def getattribute(name: str) -> Any:
        origin = origins.get(name)
        if origin is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from importlib import import_module  # noqa: PLC0415 - later too is soon enough

        found = import_module(origin)
        value = found if origin == f"{module}.{name}" else getattr(found, name)
        setattr(sys.modules[module], name, value)  # the next look-up finds it there
        return value

    def listing() -> list[str]:
        return sorted({*vars(sys.modules[module]), *origins})

    return getattribute, listing
