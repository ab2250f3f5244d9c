"""What an operator may set, and how it is read: flags before environment before file before defaults.

``settings`` names every setting once, ``queues`` what may be said of a queue made at start, ``kinds`` the forms that
values take, ``loading`` where they come from. Nothing here touches the disk or the environment: both are handed in.
"""

from tidegate.settings.kinds import SqliteUrl
from tidegate.settings.loading import (
    File,
    Loaded,
    load,
)
from tidegate.settings.queues import QueueSetup
from tidegate.settings.settings import SETTINGS, Settings

__all__ = [
    "SETTINGS",
    "File",
    "Loaded",
    "QueueSetup",
    "Settings",
    "SqliteUrl",
    "load",
]
