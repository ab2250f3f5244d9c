"""``tidegate backup``: a copy of a store, made while a server uses it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tidegate.cli.options import load_settings
from tidegate.operator_errors import OperatorError
from tidegate.settings import SqliteUrl


@click.command(short_help="Copy a store to a file, while a server may be using it.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--store", metavar="URL", help="The store to copy; else the one that serve would use.")
def backup(file: Path, store: str | None) -> None:
    """Copy a store to FILE, and its signing keys to FILE-keys.json; a server may be using it meanwhile.

    \b
    Example:
      tidegate backup /backups/monday.db --store sqlite:////var/lib/tidegate/tidegate.db

    FILE holds all that was acknowledged before the command began. It is synced and checked before it has its name, and
    nothing is overwritten. To restore, put both files into an empty directory and serve from there:

    \b
      tidegate serve --store sqlite:///FILE
    """  # noqa: D301 - click reads the backspace
    url = load_settings({"store": store}, None).settings.store
    if url.in_memory:
        raise OperatorError(f"{url} keeps nothing that could be copied: name a file, such as sqlite:///tidegate.db")
    if not isinstance(url, SqliteUrl):
        raise OperatorError(
            "a store on PostgreSQL is copied by its own tools: pg_dump --format=custom --file FILE URL; "
            "docs/backup.md says how"
        )
    from tidegate.engine.ports.store import StoreError
    from tidegate.storage import sqlite

    try:
        done = sqlite.backup(Path(url.path), file, _show if sys.stderr.isatty() else None)
    except StoreError as wrong:
        raise OperatorError(str(wrong)) from None
    keys = f", and its signing keys in {file}-keys.json" if done.keys else ""
    click.echo(f"{url}: {done.queues} queues and {done.tasks} tasks ({done.size >> 10} KB) are in {file}{keys}")


def _show(left: int, total: int) -> None:
    click.echo(f"\r{100 * (total - left) // total} %" if left else "\r", nl=False, err=True)
