"""``--filter`` on what the server does not filter: the language of its own lists, on JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tidegate.cli.problems import CommandError


def chooser(text: str | None) -> Callable[[Any], bool]:
    """Whether a record is chosen; without a filter each is. Raises CommandError for a filter that makes no sense."""
    if not text:
        return lambda _record: True
    from tidegate.core.errors import InvalidArgument
    from tidegate.core.listing import compile_filter

    def chooses(record: Any) -> bool:
        try:
            return compile_filter(text, _Fields(record))(record)
        except InvalidArgument as error:
            raise CommandError(f"--filter [{text}]: {error.message}") from None

    chooses({})  # what is no filter is told before anything is asked
    return chooses


class _Fields(Mapping[str, Any]):
    """The fields of a record, by their names without case and underscores. What it has not is an unset text."""

    def __init__(self, record: Any) -> None:
        self._record = record if isinstance(record, dict) else {}

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ARG002 - there is a field for each name
        return self[name]

    def __getitem__(self, name: str) -> Any:
        from tidegate.core.listing import FilterField, plain

        key = next((each for each in self._record if plain(each) == name), name)
        value = self._record.get(key)
        one = value[0] if isinstance(value, list) and value else value
        return FilterField(
            _kind(one), _reader(key), repeated=isinstance(value, list), inside=_Fields(one if one is not None else {})
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._record)

    def __len__(self) -> int:
        return len(self._record)


def _reader(key: str) -> Callable[[Any], Any]:
    return lambda record: record.get(key) if isinstance(record, dict) else None


def _kind(value: Any) -> Any:
    from tidegate.core.listing import FieldKind

    if isinstance(value, bool):
        return FieldKind.FLAG
    if isinstance(value, int | float):
        return FieldKind.NUMBER
    return FieldKind.MESSAGE if isinstance(value, dict) else FieldKind.TEXT
