"""How the database fares, asked of its statistics."""

from __future__ import annotations

from typing import Final

from tidegate.core.histogram import Histogram
from tidegate.engine.ports.store_figures import StoreFigures
from tidegate.storage.postgres.cursor import Statements

OLDEST_SNAPSHOT: Final = (
    "SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), (SELECT coalesce("
    "extract(epoch FROM clock_timestamp() - min(xact_start)), 0)::float8 FROM pg_stat_activity"
    " WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid())"
)
DEAD_ROWS: Final = (
    "SELECT coalesce((SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = to_regclass('tasks')), 0)::bigint"
)


def figures(on: Statements, due: Histogram) -> StoreFigures:
    """What the statistics say now."""
    may_know, oldest = on.row(OLDEST_SNAPSHOT, ())
    (dead,) = on.row(DEAD_ROWS, ())
    return StoreFigures(due, oldest if may_know else None, dead)
