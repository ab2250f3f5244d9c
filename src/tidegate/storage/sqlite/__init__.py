"""The default database: one SQLite file, or memory."""

from tidegate.storage.sqlite.store import APPLICATION_ID, MemoryStore, SqliteStore, check

__all__ = ["APPLICATION_ID", "MemoryStore", "SqliteStore", "check"]
