"""Steps taken by their owner, without a server."""

from __future__ import annotations

import psycopg

from tidegate.engine.ports.store import StoreError
from tidegate.settings.stores import PostgresUrl
from tidegate.storage.postgres.checks import check_server
from tidegate.storage.postgres.connecting import Connection, connect, one_line
from tidegate.storage.postgres.steps import take


def migrate(url: PostgresUrl) -> int:
    """Take the steps that are missing; how many this call took. Raises StoreError with the cause and its cure."""
    connection = owner_connection(url)
    try:
        check_server(connection, may_set=True)
        return take(connection, url.schema)
    except psycopg.Error as error:
        raise StoreError(f"cannot use the store {url}: {one_line(url, error)}") from None
    finally:
        connection.close()


def owner_connection(url: PostgresUrl) -> Connection:
    """A connection for work that is no server's. Raises StoreError."""
    try:
        return connect(url, application="tidegate migrate")
    except psycopg.Error as error:
        raise StoreError(f"cannot reach the store {url}: {one_line(url, error)}") from None
