"""The default database: one SQLite file, or memory."""

from tidegate.storage.sqlite.backups import BackedUp, backup
from tidegate.storage.sqlite.store import APPLICATION_ID, MemoryStore, SqliteStore, check

__all__ = ["APPLICATION_ID", "BackedUp", "MemoryStore", "SqliteStore", "backup", "check"]
