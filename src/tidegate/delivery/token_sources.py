"""Tokens of Google service accounts, from the source that the operator configured."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from tidegate.delivery.passing_thread import in_passing_thread
from tidegate.engine.ports.world import MintError
from tidegate.operator_errors import OperatorError

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
FETCH_MAX = 30.0  # seconds
REQUEST_MAX = 10.0  # seconds that a server of Google may take to answer
FETCHES_AT_ONCE = 8  # threads
NEEDED_OF_A_KEY = ("client_email", "private_key", "token_uri")


class Fetched(Struct, frozen=True):
    token: str
    expires: datetime


class TokenSource(Protocol):
    async def access_token(self, email: str, scope: str) -> Fetched:
        """An OAuth access token of the account. Raises MintError when the source gives none."""

    async def id_token(self, email: str, audience: str) -> Fetched:
        """An OIDC ID token of the account. Raises MintError when the source gives none."""


class GoogleSource:
    """Google's tokens, by google-auth: from a service account's key file, or without one from the metadata server.

    Tokens of other accounts are impersonated, which needs ``roles/iam.serviceAccountTokenCreator``.
    google-auth is imported with the first token: it takes 0.2 s and 20 MB.
    """

    def __init__(self, key_file: Path | None = None) -> None:
        """Raises OperatorError when the file cannot be read as a service account's key file."""
        if key_file is not None:
            check_key(key_file)
        self._key_file = key_file
        self._room = asyncio.Semaphore(FETCHES_AT_ONCE)

    async def access_token(self, email: str, scope: str) -> Fetched:
        return await self._fetch(self._access_credentials, email, scope)

    async def id_token(self, email: str, audience: str) -> Fetched:
        return await self._fetch(self._id_credentials, email, audience)

    async def _fetch(self, credentials_for: Callable[[Any, str, str], Any], email: str, wanted: str) -> Fetched:
        try:
            async with asyncio.timeout(FETCH_MAX), self._room:
                return await in_passing_thread(partial(refreshed, credentials_for, email, wanted), "token")
        except TimeoutError:
            raise MintError("the token source did not answer in time") from None
        except Exception as error:
            raise MintError(f"the token source gave none: {type(error).__name__}") from error

    def _own_credentials(self, request: Any) -> Any:
        if self._key_file is not None:
            accounts = import_module("google.oauth2.service_account")
            return accounts.Credentials.from_service_account_file(str(self._key_file), scopes=[CLOUD_PLATFORM])
        own = import_module("google.auth.compute_engine").Credentials()
        own.refresh(request)  # its email is known after this
        return own

    def _access_credentials(self, request: Any, email: str, scope: str) -> Any:
        own = self._own_credentials(request)
        return own.with_scopes([scope]) if own.service_account_email == email else impersonated(own, email, scope)

    def _id_credentials(self, request: Any, email: str, audience: str) -> Any:
        own = self._own_credentials(request)
        if own.service_account_email != email:
            target = impersonated(own, email, CLOUD_PLATFORM)
            others = import_module("google.auth.impersonated_credentials")
            return others.IDTokenCredentials(target, target_audience=audience, include_email=True)
        if self._key_file is not None:
            accounts = import_module("google.oauth2.service_account")
            return accounts.IDTokenCredentials.from_service_account_file(str(self._key_file), target_audience=audience)
        metadata = import_module("google.auth.compute_engine")
        return metadata.IDTokenCredentials(request, audience, use_metadata_identity_endpoint=True)


def impersonated(own: Any, email: str, scope: str) -> Any:
    others = import_module("google.auth.impersonated_credentials")
    return others.Credentials(source_credentials=own, target_principal=email, target_scopes=[scope])


def refreshed(credentials_for: Callable[[Any, str, str], Any], email: str, wanted: str) -> Fetched:
    """A new token of the credentials. Blocks until it arrives."""
    request = partial(import_module("google.auth.transport.requests").Request(), timeout=REQUEST_MAX)
    credentials = credentials_for(request, email, wanted)
    credentials.refresh(request)
    return Fetched(str(credentials.token), credentials.expiry.replace(tzinfo=UTC))


def check_key(path: Path) -> None:
    """Raise OperatorError unless the file looks like a service account's key file. It is read again for each token."""
    try:
        key = json.loads(path.read_bytes())
    except OSError as error:
        raise OperatorError(f"cannot read the token source {path}: {error.strerror}") from error
    except ValueError:
        key = None
    if not isinstance(key, dict) or not all(isinstance(key.get(name), str) for name in NEEDED_OF_A_KEY):
        needed = ", ".join(NEEDED_OF_A_KEY)
        raise OperatorError(f"{path} is not the key file of a service account: JSON with {needed}")
