"""Tokens of queues and tasks: what must be set, and what is filled in."""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from tidegate.core.errors import InvalidArgument
from tidegate.core.queue import OAuthToken, Token
from tidegate.core.refusals import invalid
from tidegate.core.urls import split

CLOUD_PLATFORM: Final = "https://www.googleapis.com/auth/cloud-platform"
"""The scope of an access token without one."""

_EMAIL: Final = re.compile(r"[^@]+@[^@]+", re.DOTALL)


def check_token(token: Token) -> None:
    """Check a token as it was sent. Scope and audience may be any text."""
    if not token.service_account_email:
        raise InvalidArgument("service_account_email must be set.")
    if not _EMAIL.fullmatch(token.service_account_email):
        raise invalid()


def completed_token(token: Token, url: str) -> Token:
    """The token with its scope or audience filled in. The default audience is the task's own URL."""
    if isinstance(token, OAuthToken):
        return token if token.scope else replace(token, scope=CLOUD_PLATFORM)
    return token if token.audience else replace(token, audience=url)


def check_token_url(token: Token, url: str, *, https_only: bool) -> None:
    """Check whether a task to ``url`` may carry this token, which is the queue's if that has one."""
    if https_only and not url.startswith("https://"):
        raise InvalidArgument(
            "HttpRequest.url must start with 'https://' for request with HttpRequest.authorization_header"
        )
    if isinstance(token, OAuthToken):
        parts = split(url)
        if parts is None or not parts.host.lower().endswith(".googleapis.com"):
            raise InvalidArgument(
                'Invalid url for HttpRequest.oauth_token. The hostname in the url must end with ".googleapis.com"'
            )
