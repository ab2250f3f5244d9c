"""Page tokens: where a list goes on, without any state kept for it.

A token has the last ID of its page, the time, and a checksum that also covers parent and filter. It is refused for
another list, when it is too old, and when it was made up. It is neither a secret nor a signature: a forged token shows
no more than the list itself would.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from tidegate.core.errors import InvalidArgument
from tidegate.core.times import micros

PAGE_TOKEN_LIFE: Final = timedelta(hours=2)  # chosen here; the API documents no lifetime

_CHECKSUM: Final = 8  # bytes
_TIME: Final = 8
_LONGEST: Final = 1024  # characters; an ID of 500 makes some 700


def page_token(last: str, parent: str, filter_text: str, now: datetime) -> str:
    """The token after a page whose last queue or task has the ID ``last``."""
    content = micros(now).to_bytes(_TIME, "big", signed=True) + last.encode()
    return _text(_checksum(content, parent, filter_text) + content)


def read_page_token(token: str, parent: str, filter_text: str, now: datetime) -> str:
    """The ID after which the next page begins; empty for no token.

    Raises:
        InvalidArgument: The token was not made here, has expired, or belongs to another parent or filter.
    """
    if not token:
        return ""
    try:
        if len(token) > _LONGEST:
            raise InvalidArgument("Invalid page_token")
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
        if _text(raw) != token:  # the decoder ignores foreign characters and spare bits
            raise InvalidArgument("Invalid page_token")
        content = raw[_CHECKSUM:]
        last = content[_TIME:].decode()
    except ValueError:  # no base64, no ASCII, no UTF-8
        raise InvalidArgument("Invalid page_token") from None
    age = micros(now) - int.from_bytes(content[:_TIME], "big", signed=True)
    # Another node's clock may be ahead of ours, so an age below zero is allowed too.
    fresh = abs(age) <= PAGE_TOKEN_LIFE // timedelta(microseconds=1)
    if not last or not fresh or raw[:_CHECKSUM] != _checksum(content, parent, filter_text):
        raise InvalidArgument("Invalid page_token")
    return last


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _checksum(content: bytes, parent: str, filter_text: str) -> bytes:
    parts = (content, parent.encode("utf-8", "replace"), filter_text.encode("utf-8", "replace"))
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return blake2b(framed, digest_size=_CHECKSUM, person=b"page token").digest()
