"""``tidegate migrate``: the tables of a store on PostgreSQL, made or brought up to date."""

from __future__ import annotations

import click

from tidegate.cli.options import load_settings
from tidegate.operator_errors import OperatorError
from tidegate.settings.stores import PostgresUrl, StoreUrl


@click.command(short_help="Bring the tables of a PostgreSQL store up to date.")
@click.option(
    "--store", metavar="URL", help="The store, as the owner of its tables; else the one that serve would use."
)
def migrate(store: str | None) -> None:
    """Take the steps that are missing in a store on PostgreSQL: make its tables, or change them for this version.

    \b
    Example:
      tidegate migrate --store postgresql://owner@db.internal/tasks

    A server takes them itself when its role may. Where servers have a role that may not make tables, run this as the
    tables' owner before you start a new version. Servers of the version before go on meanwhile.
    """  # noqa: D301 - click reads the backspace
    from tidegate.engine.ports.store import StoreError
    from tidegate.storage.postgres.migrating import migrate as take_steps

    url = postgres_url(load_settings({"store": store}, None).settings.store, "migrate")
    try:
        taken = take_steps(url)
    except StoreError as error:
        raise OperatorError(str(error)) from None
    click.echo(f"{url}: {taken} steps taken" if taken else f"{url} is up to date")


def postgres_url(url: StoreUrl, command: str) -> PostgresUrl:
    """The URL, if it is of a store on PostgreSQL. Raises OperatorError."""
    if not isinstance(url, PostgresUrl):
        raise OperatorError(
            f"{command} is for stores on PostgreSQL, not {url}: name one, postgresql://USER@HOST/DATABASE"
        )
    return url
