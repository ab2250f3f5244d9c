"""``tidegate config``: the settings in force, and the source of each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from tidegate.cli.options import load_settings, setting_flags
from tidegate.settings import SETTINGS, Loaded


@click.command(short_help="Show the settings that hold.")
@setting_flags
def config(config_file: str | None, **flags: Any) -> None:
    """Show every setting as `tidegate serve` would see it, and where it came from: a flag, a variable, the file.

    \b
    Example:
      tidegate config --port 8200

    It takes the flags of `tidegate serve`, starts nothing and changes nothing.
    """  # noqa: D301 - click reads the backspace
    for line in report(load_settings(flags, config_file)):
        click.echo(line)


def report(loaded: Loaded) -> Iterable[str]:
    """A line for each setting: its name, its value, its source."""
    shown = [
        (row.name, row.show(getattr(loaded.settings, row.name)) or row.says.unset or "none", loaded.sources[row.name])
        for row in SETTINGS
    ]
    names = max(len(name) for name, _, _ in shown)
    values = min(max(len(value) for _, value, _ in shown), 48)
    for name, value, source in shown:
        yield f"{name:{names}}  {value:{values}}  {source}"
