"""Answers on stdout, in the format that was asked for."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from tidegate.cli.colours import bold
from tidegate.cli.output.formats import Format, plain, projected, read_format, value_at
from tidegate.cli.table.rows import Column

FLOATS = frozenset({"maxDispatchesPerSecond", "maxTasksDispatchedPerSecond", "samplingRatio", "effectiveExecutionRate"})
"""Fields that are floats also where JSON shows a whole number."""


def show_answer(answer: Any, format_text: str, columns: Sequence[Column] = ()) -> None:
    """Print a record or a list of them. Raises CommandError for a format that is none."""
    show(answer, read_format(format_text), columns)


def show(answer: Any, form: Format, columns: Sequence[Column] = ()) -> None:
    """Print a record or a list of them. With ``columns``, keys keep the title and form that these give them."""
    answer = with_floats(answer)
    records = answer if isinstance(answer, list) else [answer]
    match form.name:
        case "json":
            shown = [projected(record, form.keys) for record in records]
            print(
                json.dumps(
                    shown if isinstance(answer, list) else shown[0], indent=2, sort_keys=True, ensure_ascii=False
                )
            )
        case "yaml":
            _yaml([projected(record, form.keys) for record in records], listed=isinstance(answer, list))
        case "value":
            for row in _rows(records, _chosen(form, columns)):
                print("\t".join(row))
        case "csv":
            _csv(records, _chosen(form, columns), form)
        case "table":
            table(records, _chosen(form, columns))


def with_floats(value: Any, field: str = "") -> Any:
    """The answer with floats where the API has floats, as ``500.0``."""
    if isinstance(value, dict):
        return {key: with_floats(item, key) for key, item in value.items()}
    if isinstance(value, list):
        return [with_floats(item) for item in value]
    return float(value) if field in FLOATS and isinstance(value, int) else value


def table(records: Sequence[Any], columns: Sequence[Column]) -> None:
    """A page of a table, two spaces between columns; nothing without records."""
    if not records:
        return
    rows = [[column.title for column in columns], *_rows(records, columns)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(columns))]
    for number, row in enumerate(rows):
        line = "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        print(line if number else bold(line))


def _chosen(form: Format, columns: Sequence[Column]) -> list[Column]:
    known = {column.key: column for column in columns}
    return [known.get(key) or Column(_title(key), key) for key in form.keys]


def _title(key: str) -> str:
    return _snake(key.rpartition(".")[2]).upper()


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _rows(records: Sequence[Any], columns: Sequence[Column]) -> list[list[str]]:
    return [[plain(column.show(value_at(record, column.key), record)) for column in columns] for record in records]


def _csv(records: Sequence[Any], columns: Sequence[Column], form: Format) -> None:
    import csv

    out = csv.writer(sys.stdout, lineterminator="\n")
    if form.heading:
        out.writerow([re.sub(r"\W+", "_", column.title.lower()).strip("_") for column in columns])
    out.writerows(_rows(records, columns))


def _yaml(records: Sequence[Any], *, listed: bool) -> None:
    from tidegate.cli.output.yaml_text import yaml_text

    for record in records:
        if listed:
            print("---")
        sys.stdout.write(yaml_text(record))
