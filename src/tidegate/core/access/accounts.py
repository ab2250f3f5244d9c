"""Service accounts that are made here, and the public halves of their keys."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from msgspec import Struct

from tidegate.core.errors import InvalidArgument

ACCOUNTS_MAX: Final = 10_000
"""Service accounts of a server. They are all in memory. Our choice."""
KEYS_MAX: Final = 10
"""Keys of an account, as at Google: https://cloud.google.com/iam/quotas."""
DISPLAY_NAME_MAX: Final = 100
DESCRIPTION_MAX: Final = 256

_ACCOUNT_ID: Final = re.compile(r"[a-z](?:[-a-z0-9]{4,28}[a-z0-9])")


class ServiceAccount(Struct, frozen=True, array_like=True):
    """An account. ``unique_id`` is its number, which is never given twice."""

    email: str
    project: str
    unique_id: str
    created: datetime
    display_name: str = ""
    description: str = ""
    etag: bytes = b""

    @property
    def name(self) -> str:
        """``projects/P/serviceAccounts/EMAIL``."""
        return f"projects/{self.project}/serviceAccounts/{self.email}"

    @property
    def member(self) -> str:
        return f"serviceAccount:{self.email}"


class AccountKey(Struct, frozen=True, array_like=True):
    """The public half of a key, in PEM."""

    email: str
    id: str
    public: bytes
    created: datetime


def account_email(account_id: str, project: str) -> str:
    """The email of a new account.

    Raises:
        InvalidArgument: The ID is ill-formed.
    """
    if not _ACCOUNT_ID.fullmatch(account_id):
        raise InvalidArgument(
            f'Service account ID "{account_id[:100]}" must be between 6 and 30 characters long, begin with a '
            "lower-case letter, end with a letter or digit, and contain lower-case letters, digits and hyphens only."
        )
    domain, _, app = project.rpartition(":")
    host = f"{app}.{domain}" if domain else app
    return f"{account_id}@{host}.iam.gserviceaccount.com"


def check_texts(display_name: str, description: str) -> None:
    """Raises InvalidArgument for a text of an account that is too long."""
    for field, text, most in (
        ("displayName", display_name, DISPLAY_NAME_MAX),
        ("description", description, DESCRIPTION_MAX),
    ):
        if len(text.encode()) > most:
            raise InvalidArgument(
                f"ServiceAccount.{field} must have at most {most} bytes, but got {len(text.encode())}."
            )
