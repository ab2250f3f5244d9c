"""One flag for each setting, and the settings in force for a command with these flags."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from tidegate.operator_errors import OperatorError
from tidegate.settings import SETTINGS, File, Loaded, load
from tidegate.settings.rows import Row

FILE = Path("tidegate.toml")

Command = TypeVar("Command", bound=Callable[..., Any])


def setting_flags(command: Command) -> Command:
    """Give a command the flags of all settings, and ``--config``."""
    for row in reversed(SETTINGS):
        command = _flag(row)(command)
    return click.option(
        "--config",
        "config_file",
        metavar="FILE",
        envvar="TIDEGATE_CONFIG",
        help="Settings file to read in place of ./tidegate.toml.",
    )(command)


def _flag(row: Row) -> Callable[[Command], Command]:
    words = f"{row.says.help}  [default: {row.default_text}]" if row.default_text else row.says.help
    if isinstance(row.default, bool):
        return click.option(f"{row.flag}/--no-{row.name.replace('_', '-')}", row.name, default=None, help=words)
    return click.option(row.flag, row.name, metavar=row.says.kind.metavar, multiple=row.many, help=words)


def load_settings(flags: Mapping[str, Any], config_file: str | None) -> Loaded:
    """The settings in force for a command with these flags, in this directory and environment. Raises OperatorError."""
    given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in flags.items()}
    return load(given, os.environ, _settings_file(config_file))


def _settings_file(named: str | None) -> File | None:
    path = Path(named) if named else FILE
    try:
        return File(str(path), path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named is None:
            return None
        raise OperatorError(f"there is no settings file {path}: check the path after --config") from None
    except OSError as wrong:
        raise OperatorError(f"cannot read the settings file {path}: {wrong.strerror}") from None
    except UnicodeDecodeError:
        raise OperatorError(f"the settings file {path} is not UTF-8 text") from None
