"""Keys of service accounts. The private half is made here, put into the answer, and kept nowhere."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from hashlib import sha1
from typing import Any, Final
from urllib.parse import quote

from google.protobuf.empty_pb2 import Empty

from tidegate.api.door import May
from tidegate.api.times import put_moment
from tidegate.core.access.accounts import AccountKey, ServiceAccount
from tidegate.core.access.names import AccountName, KeyName
from tidegate.core.errors import InvalidArgument, NotFound
from tidegate.engine.engine import Engine
from tidegate.schema import iam
from tidegate.schema.rpc import raw

BITS: Final = 2048
NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""When keys end, in Google's words: they do not."""

_Key: Final = raw(iam.ServiceAccountKey)
_List: Final = raw(iam.ListServiceAccountKeysResponse)
_USER_MANAGED: Final = int(iam.ServiceAccountKey.KeyType.USER_MANAGED)
_MADE_HERE: Final = int(iam.ServiceAccountKey.KeyOrigin.GOOGLE_PROVIDED)
_RSA: Final = int(iam.ServiceAccountKey.KeyAlgorithm.KEY_ALG_RSA_2048)
_FILE: Final = int(iam.ServiceAccountKey.PrivateKeyType.TYPE_GOOGLE_CREDENTIALS_FILE)


async def list_keys(engine: Engine, request: Any, name: AccountName, may: May) -> Any:
    keys = await engine.accounts.keys(name.email)
    if request.key_types and _USER_MANAGED not in request.key_types:
        keys = []
    return _List(keys=[_written(name, key) for key in keys])


async def get_key(engine: Engine, request: Any, name: KeyName, may: May) -> Any:
    account = AccountName(name.rsplit("/", 2)[0])
    for key in await engine.accounts.keys(name.email):
        if key.id == name.key:
            return _written(account, key, public=True)
    raise NotFound(f"Service account key {name.key} does not exist.")


async def delete_key(engine: Engine, request: Any, name: KeyName, may: May) -> Any:
    await engine.accounts.delete_key(name.email, name.key)
    return Empty()


def key_maker(token_uri: str) -> Callable[[Engine, Any, Any, May], Awaitable[Any]]:
    """The handler that makes keys, whose files name ``token_uri``."""

    async def create_key(engine: Engine, request: Any, name: AccountName, may: May) -> Any:
        if request.private_key_type not in {0, _FILE}:
            raise InvalidArgument("privateKeyType must be TYPE_GOOGLE_CREDENTIALS_FILE.")
        if request.key_algorithm not in {0, _RSA}:
            raise InvalidArgument("keyAlgorithm must be KEY_ALG_RSA_2048.")
        account = await engine.accounts.get(name.email)
        key_id, private, public = await asyncio.to_thread(_pair)
        key = await engine.accounts.add_key(name.email, key_id, public)
        written = _written(name, key)
        written.private_key_type = _FILE
        written.private_key_data = key_file(account, key_id, private, token_uri)
        return written

    return create_key


def key_file(account: ServiceAccount, key_id: str, private: str, token_uri: str) -> bytes:
    """A key file in Google's form."""
    base = token_uri.removesuffix("/token")
    content = {
        "type": "service_account",
        "project_id": account.project,
        "private_key_id": key_id,
        "private_key": private,
        "client_email": account.email,
        "client_id": account.unique_id,
        "auth_uri": f"{base}/auth",
        "token_uri": token_uri,
        "auth_provider_x509_cert_url": f"{base}/oauth2/v1/certs",
        "client_x509_cert_url": f"{base}/robot/v1/metadata/x509/{quote(account.email, safe='')}",
        "universe_domain": "googleapis.com",
    }
    return json.dumps(content, indent=2).encode() + b"\n"


def _pair() -> tuple[str, str, bytes]:
    """A new key: its ID, the private half and the public half in PEM. It takes some 100 ms."""
    from joserfc.jwk import RSAKey  # noqa: PLC0415 - few servers make keys

    key = RSAKey.generate_key(BITS)
    public = key.as_pem(private=False)
    return sha1(public, usedforsecurity=False).hexdigest(), key.as_pem(private=True).decode(), public


def _written(account: AccountName, key: AccountKey, *, public: bool = False) -> Any:
    written = _Key(name=f"{account}/keys/{key.id}", key_algorithm=_RSA, key_origin=_MADE_HERE, key_type=_USER_MANAGED)
    put_moment(written.valid_after_time, key.created)
    put_moment(written.valid_before_time, NEVER)
    if public:
        written.public_key_data = key.public
    return written
