"""Flags from a file: ``--flags-file`` is replaced by what the file says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tidegate.cli.problems import CommandError, UsageError

FLAG = "--flags-file"


def expanded(arguments: Sequence[str]) -> list[str]:
    """The arguments without ``--flags-file``, and behind them the flags of the files. Raises CommandError."""
    left: list[str] = []
    paths: list[str] = []
    words = iter(arguments)
    for word in words:
        flag, _, path = word.partition("=")
        if flag != FLAG:
            left.append(word)
        elif path or (path := next(words, "")):
            paths.append(path)
        else:
            raise UsageError(f"argument {FLAG}: expected one argument")
    return [*left, *(flag for path in paths for flag in _flags(path))]


def _flags(path: str) -> Iterator[str]:
    import yaml

    try:
        with Path(path).open(encoding="utf-8") as file:
            said = yaml.safe_load(file)
    except OSError as error:
        raise CommandError(f"Unable to read file [{path}]: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise CommandError(f"Failed to parse YAML from [{path}]: {error}") from None
    for table in said if isinstance(said, list) else [said]:
        if not isinstance(table, dict):
            raise CommandError(f"[{path}] must hold flags and their values, such as --location: here")
        for flag, value in table.items():
            yield from _one(str(flag), value)


def _one(flag: str, value: Any) -> Iterator[str]:
    if value is True or value is None:
        yield flag
    elif isinstance(value, list):
        yield from (f"{flag}={item}" for item in value)
    elif isinstance(value, dict):
        yield f"{flag}={','.join(f'{key}:{item}' for key, item in value.items())}"
    elif value is not False:
        yield f"{flag}={value}"
