"""What a server must be before queues are kept on it: each fault with its cure, in one line."""

from __future__ import annotations

import logging
from typing import Final

from tidegate.engine.ports.store import StoreError
from tidegate.storage.postgres.connecting import Connection

logger = logging.getLogger(__name__)

OLDEST_VERSION: Final = 140000
"""``server_version_num`` of PostgreSQL 14."""

WEAK: Final = {"off"}
"""With this ``synchronous_commit`` an answer may leave before the disk has what it tells of."""


def check_server(connection: Connection, *, may_set: bool) -> None:
    """Raises StoreError when the server would lose what was acknowledged, or is none that can be written to.

    Where ``may_set``, our connections set ``synchronous_commit`` when it is off, with a warning; else that is an error.
    """
    row = connection.execute(
        "SELECT current_setting('server_version_num')::int, pg_is_in_recovery(), current_setting('fsync'),"
        " current_setting('full_page_writes'), (SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit'),"
        " current_setting('server_encoding'), current_setting('server_version')"
    ).fetchone()
    assert row is not None  # noqa: S101 - a SELECT without FROM has a row
    number, standby, fsync, full_pages, commit, encoding, version = row
    if number < OLDEST_VERSION:
        raise StoreError(f"PostgreSQL {version} is too old; tidegate needs 14 or later")
    if standby:
        raise StoreError(
            "this PostgreSQL is a standby, which cannot be written to; name the primary, or all hosts and"
            " target_session_attrs=read-write"
        )
    if fsync != "on":
        raise StoreError("fsync is off in PostgreSQL, so a crash loses tasks; set fsync = on and restart it")
    if full_pages != "on":
        raise StoreError(
            "full_page_writes is off in PostgreSQL, so a crash may damage tables; set it to on and reload the server"
        )
    if encoding != "UTF8":
        raise StoreError(f"the database is in {encoding}; make one with ENCODING 'UTF8'")
    if commit in WEAK:
        if not may_set:
            raise StoreError(
                "synchronous_commit is off, so a crash loses tasks; ALTER ROLE … SET synchronous_commit = on"
            )
        logger.warning(
            "synchronous_commit is off in PostgreSQL, which loses tasks in a crash; our connections set it on"
        )
