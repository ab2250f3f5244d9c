"""The steps that bring the tables up to date, taken once by whoever comes first."""

from __future__ import annotations

import re
from importlib import resources
from typing import Final

import psycopg
from psycopg import sql

from tidegate import __version__
from tidegate.engine.ports.store import StoreError
from tidegate.storage.postgres.connecting import Connection, run

OLDEST: Final = "0.0.0"
"""The oldest version that may go on beside the tables as the newest step makes them."""

MOVING: Final = "moving"
"""The kind of a document that is there while a move fills the store."""

_STEPS_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS steps"
    " (n int PRIMARY KEY, oldest text NOT NULL, taken_at timestamptz NOT NULL DEFAULT now())"
)


MET: Final = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.DuplicateTable,
    psycopg.errors.DuplicateSchema,
    psycopg.errors.DuplicateObject,  # a table's row type
)
"""What comes of making what another one is making at the same time."""


class StepsMissingError(StoreError):
    """The tables are older than this version, and whoever is connected may not change them."""


def known() -> list[str]:
    """The statements of each step, in their order."""
    files = resources.files("tidegate.storage.postgres.migrations").iterdir()
    return [file.read_text() for file in sorted(files, key=lambda file: file.name) if file.name.endswith(".sql")]


def taken(connection: Connection) -> tuple[int, str]:
    """How many steps were taken, and the oldest version that may go on with them; 0 when there is no table of them."""
    try:
        row = connection.execute("SELECT n, oldest FROM steps ORDER BY n DESC LIMIT 1").fetchone()
    except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
        return 0, OLDEST
    return (0, OLDEST) if row is None else (int(row[0]), row[1])


def may_go_on(oldest: str) -> bool:
    """Whether this version may work on tables on which no older one than ``oldest`` may."""
    return _order(oldest) <= _order(__version__)


def _order(version: str) -> list[int]:
    """Versions in their order, without what is said behind the numbers."""
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


def is_current(connection: Connection) -> bool:
    """Whether all steps were taken. Raises StoreError when the tables are from a newer version, with which this one may
    not go on.
    """
    (number, oldest), steps = taken(connection), len(known())
    if number > steps and not may_go_on(oldest):
        raise StoreError(
            f"the store is from a newer tidegate (step {number}, this one knows {steps}), which needs {oldest} or later"
            f" on every node; this is {__version__}: upgrade"
        )
    return number >= steps


def check_whole(connection: Connection) -> None:
    """Raises StoreError while a move fills the store."""
    row = connection.execute("SELECT name FROM documents WHERE kind = %s", (MOVING,)).fetchone()
    if row is not None:
        raise StoreError(f"the move from {row[0]} into this store is not done; run 'tidegate move' again, it goes on")


def take(connection: Connection, schema: str) -> int:
    """Take the steps that are missing; how many this call took.

    Others that start at the same time wait for the transaction of a step and find it taken. Raises StepsMissingError
    without the right to make tables.
    """
    if is_current(connection):
        return 0
    done = 0
    try:
        run(connection, "SET statement_timeout = 0; SET lock_timeout = '60s'")
        _make_schema(connection, schema)
        for number, step in enumerate(known(), 1):
            with connection.transaction():
                won = connection.execute(
                    "INSERT INTO steps (n, oldest) VALUES (%s, %s) ON CONFLICT DO NOTHING", (number, OLDEST)
                ).rowcount
                if won:
                    run(connection, step)
                    done += 1
    except psycopg.errors.InsufficientPrivilege as error:
        raise StepsMissingError(
            f"the tables in schema {schema} are not those of tidegate {__version__}, and this role may not make them;"
            " run 'tidegate migrate --store …' as their owner"
        ) from error
    return done


def _make_schema(connection: Connection, schema: str) -> None:
    """Make the schema and the table of steps. Several at once may meet in the catalogue, where IF NOT EXISTS does not
    keep them apart; who comes second finds both made.
    """
    exists = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (schema,)).fetchone()
    for attempt in (1, 2, 3):
        try:
            if exists != (True,):
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
            connection.execute(_STEPS_TABLE)
        except MET:
            if attempt == 3:
                raise
        else:
            return
