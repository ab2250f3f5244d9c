"""``tidegate check``: is a store sound?"""

from __future__ import annotations

from pathlib import Path

import click

from tidegate.cli.options import load_settings
from tidegate.operator_errors import OperatorError
from tidegate.settings import SqliteUrl


@click.command(short_help="Look for damage in a store.")
@click.argument("store", metavar="[STORE]", required=False)
def check(store: str | None) -> None:
    """Read a whole store and say whether it is sound; a server may be using it meanwhile.

    \b
    Example:
      tidegate check sqlite:///tidegate.db

    STORE is a URL such as sqlite:///tidegate.db; without it, the store that `tidegate serve` would use. Exit code 1
    and a line for each fault when it is not sound.
    """  # noqa: D301 - click reads the backspace
    url = load_settings({"store": store}, None).settings.store
    if url.in_memory:
        raise OperatorError(f"{url} keeps nothing that could be checked: name a file, such as sqlite:///tidegate.db")
    if not isinstance(url, SqliteUrl):
        raise OperatorError("a store on PostgreSQL is checked by its own tools: amcheck, and checksums of its pages")
    from tidegate.engine.ports.store import StoreError
    from tidegate.storage import sqlite

    try:
        faults = sqlite.check(Path(url.path))
    except StoreError as wrong:
        raise OperatorError(str(wrong)) from None
    if faults:
        raise OperatorError("\n".join([f"{url} is damaged:", *faults]))
    click.echo(f"{url} is sound")
