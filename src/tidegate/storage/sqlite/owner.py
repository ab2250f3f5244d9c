"""The owner's number: a server finds out in its next transaction when another one has opened its store.

Locks keep a second server out where they hold. This is for where they do not.
"""

from __future__ import annotations

import apsw

from tidegate.engine.ports.store import StoreError


class Owner:
    """Begins the transactions of the store's newest owner, and of no other."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Become the owner. Raises apsw.Error."""
        self._execute = connection.execute
        with connection:
            (self._number,) = self._execute("UPDATE owner SET number = number + 1 RETURNING number").fetchall()[0]

    def begin(self) -> None:
        """Begin a writing transaction. Raises StoreError when another server has become the owner."""
        found = self._execute("BEGIN IMMEDIATE; SELECT number FROM owner").fetchone()
        if found != (self._number,):
            raise StoreError("another server has opened the store")
