"""A broken promise, and what finds one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.invariants.evidence import Evidence

HAIR = 1e-5
"""Seconds: times are cut to microseconds on their way."""


@dataclass(frozen=True)
class Violation:
    """A broken promise. ``about`` is the task or queue it was broken to."""

    promise: str
    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.text}"


Check = Callable[[Evidence], Iterator[Violation]]
