"""What pages say of the server, and what it lets them do."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from tidegate import __version__
from tidegate.servers.address import Address
from tidegate.settings import Settings
from tidegate.settings.stores import SqliteUrl, StoreUrl

READ_ONLY: Final = "The console is read-only: the server was started with --console read-only."


class Facts(Struct, frozen=True):
    """A few words for the foot of each page. ``read_only`` pages change nothing; with ``access`` people log in. ``url``
    is where browsers find the console, empty: where they ask for it.
    """

    version: str
    address: str
    store: str
    read_only: bool = False
    access: bool = False
    url: str = ""


def facts_of(settings: Settings, address: Address) -> Facts:
    return Facts(
        version=__version__,
        address=address.url.partition("//")[2],
        store=_kind(settings.store),
        read_only=settings.console_mode == "read-only",
        access=settings.access,
        url=settings.console_url or "",
    )


def _kind(store: StoreUrl) -> str:
    if store.in_memory:
        return "in memory"
    return "SQLite" if isinstance(store, SqliteUrl) else "PostgreSQL"
