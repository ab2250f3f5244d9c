"""``tidegate move``: from a SQLite file to PostgreSQL."""

from __future__ import annotations

import click

from tidegate.cli.migrate import postgres_url
from tidegate.cli.options import load_settings
from tidegate.operator_errors import OperatorError
from tidegate.settings import SqliteUrl


@click.command(short_help="Move a store from a file to PostgreSQL.")
@click.option("--from", "source", metavar="URL", required=True, help="The store to move, sqlite:///FILE.")
@click.option("--to", "target", metavar="URL", required=True, help="An empty store, postgresql://USER@HOST/DATABASE.")
def move(source: str, target: str) -> None:
    """Copy everything from a store in a file into an empty one on PostgreSQL.

    \b
    Example:
      tidegate move --from sqlite:///tidegate.db --to postgresql://owner@db.internal/tasks

    Queues, tasks with their attempts, names that are taken, dead tasks, policies and signing keys. Stop the server
    first. When it breaks off, run it again: it goes on. Until it is done no server opens the new store. The file stays
    as it is; do not serve it any more, or its tasks run twice.
    """  # noqa: D301 - click reads the backspace
    from tidegate.engine.ports.store import StoreError
    from tidegate.storage.moving import move as copy

    file = load_settings({"store": source}, None).settings.store
    if not isinstance(file, SqliteUrl) or file.in_memory:
        raise OperatorError(f"move reads a store in a file, not {file}: name one, sqlite:///FILE")
    url = postgres_url(load_settings({"store": target}, None).settings.store, "move")
    try:
        copied = copy(file, url, lambda text: click.echo(text, err=True))
    except StoreError as error:
        raise OperatorError(str(error)) from None
    click.echo(f"moved {copied.queues} queues and {copied.tasks} tasks to {url}; serve {file} no more")
