"""What callers were told of their tasks, and what a store must therefore hold afterwards."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field, replace
from typing import TypeVar

T = TypeVar("T", bound="Told")


@dataclass
class Told:
    """Names of tasks, by what is known of them. A name may be in several sets, and stays in each."""

    created: set[str] = field(default_factory=set)
    """Acknowledged."""
    unsure: set[str] = field(default_factory=set)
    """Sent, but nobody answered: they may be there or not."""
    removal_asked: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    """The answer to the removal was there."""
    delivered: set[str] = field(default_factory=set)
    """A handler answered 200."""

    def kept(self) -> set[str]:
        """Those that must be there."""
        return self.created - self.removal_asked - self.delivered

    def lost(self, there: Set[str]) -> set[str]:
        """Those that must be there and are not among those that are."""
        return self.kept() - there

    def returned(self, there: Set[str]) -> set[str]:
        """Those that are there although they were removed."""
        return self.removed & there

    def made_up(self, there: Set[str]) -> set[str]:
        """Those that are there although nobody created them."""
        return set(there) - self.created - self.unsure

    def copy(self: T) -> T:
        """The state of this moment. Each part is copied in one step, for another thread may go on."""
        return replace(self, **{name: value.copy() for name, value in vars(self).items() if hasattr(value, "copy")})
