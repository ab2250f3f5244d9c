"""What an operator may set, and how it is read: flags before environment before file before defaults.

``settings`` has every setting once, ``queues`` the settings of a queue that is made at start, ``kinds`` how values are
written, ``loading`` where they come from. Nothing here reads the disk or the environment: callers pass both in.
"""

from tidegate.settings.loading import (
    File,
    Loaded,
    load,
)
from tidegate.settings.queues import QueueSetup
from tidegate.settings.settings import SETTINGS, Settings
from tidegate.settings.stores import PostgresUrl, SqliteUrl

__all__ = [
    "SETTINGS",
    "File",
    "Loaded",
    "PostgresUrl",
    "QueueSetup",
    "Settings",
    "SqliteUrl",
    "load",
]
