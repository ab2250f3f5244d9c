"""What ``--format`` says, and the keys of a record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tidegate.cli.problems import CommandError

FORMATS = ("csv", "default", "disable", "json", "none", "table", "value", "yaml")
NEED_KEYS = frozenset({"csv", "table", "value"})
NO_HEADING = "no-heading"

_FORMAT = re.compile(r"([a-z]*)(?:\[([a-z, -]*)\])?(?:\(\s*([^()]*?)\s*\))?")
_KEY = re.compile(r"[A-Za-z_][\w-]*(?:\.[\w-]+)*")


class Format(NamedTuple):
    """A format's name, its keys and whether it has a heading."""

    name: str
    keys: tuple[str, ...] = ()
    heading: bool = True


def read_format(text: str) -> Format:
    """``json``, ``value(name, state)``, ``csv[no-heading](name)``. Raises CommandError for what is none of ours."""
    parts = _FORMAT.fullmatch(text.strip())
    name = parts[1] if parts else re.split(r"[\[(]", text.strip())[0]
    if name not in FORMATS:
        raise CommandError(
            f"Format must be one of {', '.join(FORMATS)}; received [{name}].\n\nFor information on output formats:\n"
            "  $ tidegate help -- format"
        )
    options = tuple(filter(None, ((parts[2] or "") if parts else "?").replace(" ", "").split(",")))
    keys = tuple(key.strip() for key in ((parts[3] or "") if parts else "").split(",") if key.strip())
    bad = [key for key in keys if not _KEY.fullmatch(key)]
    if bad or not set(options) <= {NO_HEADING}:
        raise CommandError(
            f"Format [{text}] has more than names of fields: {', '.join(bad or options)} is not known here; print json"
            " and take it on from there"
        )
    if name in NEED_KEYS and not keys:
        raise CommandError(
            f"Format [{name}] requires a non-empty projection. Use key parameters to specify a projection like so"
            f" `{name}(foo, bar.baz)`"
        )
    return Format({"default": "yaml", "disable": "none"}.get(name, name), keys, NO_HEADING not in options)


def value_at(record: Any, key: str) -> Any:
    """What is at a dotted key; None where nothing is."""
    for step in key.split("."):
        if isinstance(record, Sequence) and not isinstance(record, str) and step.isdigit() and int(step) < len(record):
            record = record[int(step)]
        elif isinstance(record, Mapping):
            record = record.get(step)
        else:
            return None
    return record


def projected(record: Any, keys: Sequence[str]) -> Any:
    """Of a record only what is at these keys; all of it without keys."""
    if not keys:
        return record
    kept: dict[str, Any] = {}
    for key in keys:
        value = value_at(record, key)
        if value is None:
            continue
        inside = kept
        *steps, last = key.split(".")
        for step in steps:
            inside = inside.setdefault(step, {})
        inside[last] = value
    return kept


def plain(value: Any) -> str:
    """A value in a cell: lists with semicolons, mappings as ``key=value``."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return ";".join(f"{key}={plain(item)}" for key, item in sorted(value.items()))
    if isinstance(value, list):
        return ";".join(plain(item) for item in value)
    return str(value)
