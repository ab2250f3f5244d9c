"""What is known of the server from its start on, for GetServer and ListNodes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Struct

MASKED: Final = "***"
"""What stands for a secret wherever something is shown."""

_PASSWORD: Final = re.compile(r"(://[^/@:\s,]*:)[^/@\s,]*(?=@)")


class SettingInForce(Struct, frozen=True):
    """A setting as it would be written, and where it was said."""

    name: str
    value: str
    source: str


class About(Struct, frozen=True, kw_only=True):
    """A server that has started: at ``address``, as ``node``, with these settings. ``store`` is a URL; ``features`` are
    the names of what is turned on.
    """

    version: str
    started_at: datetime
    address: str = ""
    node: str = ""
    store: str = ""
    features: Sequence[str] = ()
    settings: Sequence[SettingInForce] = ()
    max_bytes_in_flight: int = 0


def without_password(text: str) -> str:
    """The text with the passwords of the URLs in it masked."""
    return _PASSWORD.sub(rf"\1{MASKED}", text)
