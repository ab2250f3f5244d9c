"""Connections to PostgreSQL, with the bounds and the plans that all of ours have."""

from __future__ import annotations

import time
from typing import Any, Final

import psycopg
from psycopg.types.numeric import Int8BinaryDumper

from tidegate.settings.stores import MASK, PostgresUrl

CONNECT_TIMEOUT: Final = 5
"""Seconds that one host may take to answer; libpq's ``connect_timeout``, where the URL does not say it."""

SHUFFLES: Final = 160000
"""The version of libpq that can try hosts in any order."""

LOST_STATEMENTS: Final = (psycopg.errors.InvalidSqlStatementName, psycopg.errors.DuplicatePreparedStatement)
"""What comes of prepared statements where a pooler leads each transaction to another session."""

NETWORK: Final = {
    "connect_timeout": CONNECT_TIMEOUT,
    "keepalives_idle": 2,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8000,
}
"""After eight seconds without a sign of life a connection counts as broken: no longer than a node may go on alone."""

SESSION: Final = {
    "statement_timeout": "10s",
    "lock_timeout": "5s",
    # A node that is stopped in the midst of a transaction holds its queues for so long.
    "idle_in_transaction_session_timeout": "5s",
    # The planner knows living rows only, and is easily lured from the index that stays fast.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
"""Behind a pooler these are set for the role, for there a SET reaches others: ``docs/postgresql.md``."""

WAIT_FOR_DISK: Final = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
)
"""An answer leaves once the disk has what it tells of. How many standbys must have it, the operator says."""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that tells for how long it has waited for an answer."""

    waiting_since: float | None = None
    """When the question under way was asked, by ``time.monotonic``; None while none is."""

    def wait(self, gen: Any, *how: Any, **more: Any) -> Any:
        self.waiting_since = time.monotonic()
        try:
            return super().wait(gen, *how, **more)
        finally:
            self.waiting_since = None


def connect(url: PostgresUrl, *, application: str = "tidegate", shuffled: bool = False) -> Connection:
    """A connection whose transactions are begun and ended by their words. Raises psycopg.Error.

    Whole numbers travel as ``bigint``, so that a statement is prepared once, whatever their sizes. Where
    ``shuffled``, several hosts are tried in any order.
    """
    given = psycopg.conninfo.conninfo_to_dict(url.conninfo)
    network: dict[str, Any] = {word: value for word, value in NETWORK.items() if word not in given}
    if shuffled and psycopg.pq.version() >= SHUFFLES:
        network["load_balance_hosts"] = "random"
    connection = Connection.connect(
        url.conninfo,
        autocommit=True,
        prepare_threshold=0 if url.prepare else None,
        fallback_application_name=application,
        **network,
    )
    try:
        connection.adapters.register_dumper(int, Int8BinaryDumper)
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED  # of ``transaction()``
        connection.prepared_max = 500  # no statement is dropped, and prepared again
        if url.prepare:
            words = [*SESSION.items(), ("search_path", url.schema)]
            run(connection, "; ".join([*(f"SET {word} = '{value}'" for word, value in words), WAIT_FOR_DISK]))
    except BaseException:
        connection.close()
        raise
    return connection


def one_line(url: PostgresUrl, error: BaseException) -> str:
    """What PostgreSQL says, in one line and without passwords, and what cures it where we know."""
    text = " ".join(str(error).split())
    if isinstance(error, LOST_STATEMENTS):
        text += "; behind a pooler in transaction mode add prepare=off to the URL"
    for password in url.passwords():
        text = text.replace(password, MASK)
    return text


def run(connection: Connection, commands: str) -> None:
    """Run commands without values, several with semicolons between them, in one exchange with the server."""
    connection.execute(commands.encode(), prepare=False)
