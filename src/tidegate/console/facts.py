"""What pages say of the server, and what it lets them do."""

from __future__ import annotations

from msgspec import Struct

from tidegate import __version__
from tidegate.servers.address import Address
from tidegate.settings import Settings


class Facts(Struct, frozen=True):
    """A few words for the foot of each page. ``read_only`` pages change nothing; with
    ``access`` people log in.
    """

    version: str
    address: str
    store: str
    read_only: bool = False
    access: bool = False


def facts_of(settings: Settings, address: Address) -> Facts:
    return Facts(
        version=__version__,
        address=address.url.partition("//")[2],
        store="in memory" if settings.store.in_memory else "SQLite",
        read_only=settings.console_mode == "read-only",
        access=settings.access,
    )
