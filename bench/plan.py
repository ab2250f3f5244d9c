"""How long a run takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Plan:
    """``rounds`` by turns, of which the medians count; each turn bounded by ``seconds``."""

    quick: bool = False
    rounds: int = 5
    seconds: float = 1.0

    def pick(self, full: T, quick: T) -> T:
        return quick if self.quick else full


FULL = Plan()
QUICK = Plan(quick=True, rounds=2, seconds=0.5)
