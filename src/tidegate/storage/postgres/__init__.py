"""The database for many nodes: PostgreSQL."""

from tidegate.storage.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
