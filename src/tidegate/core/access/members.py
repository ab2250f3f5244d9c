"""Who calls: a principal, and the members of policies that mean it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

ALL_USERS: Final = "allUsers"
ALL_AUTHENTICATED: Final = "allAuthenticatedUsers"

_WITH_EMAIL: Final = ("user:", "serviceAccount:", "group:")


class Principal:
    """Who calls. ``member`` is how policies write it, ``groups`` are all members that mean it, itself among them.

    Two principals are the same only if they are one object, so that they are quick to look up.
    """

    __slots__ = ("groups", "member")

    def __init__(self, member: str, groups: Iterable[str] = (), *, verified: bool = True) -> None:
        self.member = member
        everyone = {ALL_USERS, ALL_AUTHENTICATED} if verified else {ALL_USERS}
        self.groups = frozenset({member, *groups, *everyone})

    @property
    def email(self) -> str:
        """The email of a user, group or service account; empty for others."""
        kind, _, email = self.member.partition(":")
        return email if f"{kind}:" in _WITH_EMAIL else ""

    @property
    def known(self) -> bool:
        """Whether it showed who it is."""
        return ALL_AUTHENTICATED in self.groups

    def __repr__(self) -> str:
        return f"Principal({self.member!r})"


ANYONE: Final = Principal(ALL_USERS, verified=False)
"""Who calls without credentials."""
