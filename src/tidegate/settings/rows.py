"""Rows made from the annotated fields of a struct: how each value is read, written and explained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, get_type_hints

from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from tidegate.settings.kinds import RefusedError, ValueKind


class Says(Struct, frozen=True):
    """The annotation of a field. With ``collect``, which joins them, the field takes several values.

    ``unset`` describes what applies when nothing is set and the default is not a value.
    """

    kind: ValueKind
    help: str
    collect: Callable[[list[Any]], Any] | None = None
    unset: str = ""


class Row(Struct, frozen=True):
    """A field: its name, its default and its annotation."""

    name: str
    default: Any
    says: Says

    @property
    def flag(self) -> str:
        """``--queue-name-reuse-after``."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def variable(self) -> str:
        """``TIDEGATE_QUEUE_NAME_REUSE_AFTER``."""
        return f"TIDEGATE_{self.name.upper()}"

    @property
    def many(self) -> bool:
        return self.says.collect is not None

    def read(self, given: Any) -> Any:
        """The value that a flag, a variable or a file gave, as text or as a TOML value. Raises RefusedError."""
        collect = self.says.collect
        if collect is None:
            return self._read_one(given)
        return collect([self._read_item(step, item) for step, item in _items(given)])

    def _read_item(self, step: str | int, item: Any) -> Any:
        try:
            return self._read_one(item)
        except RefusedError as refused:
            raise refused.within(step, item) from None

    def _read_one(self, given: Any) -> Any:
        kind = self.says.kind
        if isinstance(given, Mapping) and kind.table is not None:
            return kind.table(given)
        if isinstance(given, bool):
            return kind.read("true" if given else "false")
        if isinstance(given, str | int | float):
            return kind.read(str(given))
        raise RefusedError("one value")

    def show(self, value: Any) -> str:
        """The value as it is written in a flag or a variable. Empty when nothing is set."""
        if value is None:
            return ""
        if not self.many:
            return self.says.kind.show(value)
        items = value.items() if isinstance(value, Mapping) else value
        return ",".join(self.says.kind.show(item) for item in items)

    @property
    def default_text(self) -> str:
        """The default as it would be written, or in words."""
        return self.show(self.default) or self.says.unset


def _items(given: Any) -> list[tuple[str | int, Any]]:
    """The values of a list, each with its index or key."""
    if isinstance(given, str):
        given = [item for item in given.split(",") if item.strip()]
    if isinstance(given, Mapping):  # a TOML table is NAME=VALUE, many times
        return [(name, f"{name}={value}") for name, value in given.items()]
    if isinstance(given, list | tuple):
        return list(enumerate(given))
    raise RefusedError("a list")


@cache
def rows(struct: type[Struct]) -> tuple[Row, ...]:
    """The rows of a struct, in its order."""
    said = get_type_hints(struct, include_extras=True)
    return tuple(
        Row(
            field.name,
            None if field.default is NODEFAULT else field.default,
            next(note for note in said[field.name].__metadata__ if isinstance(note, Says)),
        )
        for field in fields(struct)
    )


def closest(name: str, names: list[str]) -> str:
    """``; did you mean 'port'?``, or nothing."""
    near = get_close_matches(name, names, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""
