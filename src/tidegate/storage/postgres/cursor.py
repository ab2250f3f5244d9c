"""Statements on one connection, counted by whether they write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from tidegate.storage.postgres.connecting import Connection

Values: TypeAlias = Sequence[Any] | Mapping[str, Any]


class Statements:
    """Runs statements on the connection of the moment; values and results travel as bytes, not as text."""

    def __init__(self) -> None:
        self.writes = 0
        """Rows that were written, or at least locked to be."""
        self._cursor: Any = None

    def use(self, connection: Connection) -> None:
        """Run the next statements on this connection."""
        self._cursor = connection.cursor(binary=True)

    def rows(self, statement: str, values: Values) -> list[Any]:
        """What a statement finds."""
        found: list[Any] = self._cursor.execute(statement, values).fetchall()
        return found

    def row(self, statement: str, values: Values) -> Any:
        """The first row that a statement finds, or None."""
        return self._cursor.execute(statement, values).fetchone()

    def write(self, statement: str, values: Values) -> int:
        """Run a statement that writes; how many rows it wrote."""
        written: int = self._cursor.execute(statement, values).rowcount
        self.writes += written
        return written

    def write_rows(self, statement: str, values: Values) -> list[Any]:
        """Run a statement that writes and returns rows."""
        found: list[Any] = self._cursor.execute(statement, values).fetchall()
        self.writes += len(found)
        return found
