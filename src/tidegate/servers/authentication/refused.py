"""Why a credential was refused. The reason goes to the log, never to the caller."""

from __future__ import annotations


class RefusedError(Exception):
    """``expired`` when only its time is wrong, ``scope`` when only its scopes are."""

    def __init__(self, reason: str, *, expired: bool = False, scope: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.expired = expired
        self.scope = scope
