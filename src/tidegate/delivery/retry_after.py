"""The header Retry-After, with which a handler that answered 429 or 503 asks for a pause."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MOST_DIGITS = 9  # of seconds: some thirty years; more could overflow
LONGEST_DATE = 64


def retry_after(value: str, now: datetime) -> timedelta | None:
    """The wait a Retry-After header asks for: seconds, or an HTTP date in any of its three forms.

    Never negative; None when the value is neither.
    """
    text = value.strip()
    if text.isascii() and text.isdigit():
        digits = text.lstrip("0") or "0"
        return timedelta(seconds=int(digits if len(digits) <= MOST_DIGITS else "9" * MOST_DIGITS))
    if len(text) > LONGEST_DATE:
        return None
    try:
        when = parsedate_to_datetime(text)
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)  # asctime's form names no zone; HTTP dates are UTC
        return max(aware - now, timedelta())
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
