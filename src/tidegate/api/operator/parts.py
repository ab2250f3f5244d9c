"""What the operator's handlers stand on, handed to each of them."""

from __future__ import annotations

from dataclasses import dataclass

from tidegate.engine.engine import Engine


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The server's parts. ``dev`` says whether it was started with ``dev``."""

    engine: Engine
    dev: bool = False
