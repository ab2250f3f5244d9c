"""Service accounts that are made here, and the public halves of their keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import msgspec
from msgspec.structs import replace

from tidegate.core.access.accounts import ACCOUNTS_MAX, KEYS_MAX, AccountKey, ServiceAccount
from tidegate.core.errors import Aborted, AlreadyExists, NotFound, ResourceExhausted
from tidegate.engine.documents import all_documents, note_access_change
from tidegate.engine.policies import OTHERS_KIND
from tidegate.engine.ports.events import AccountChanged, KeyChanged
from tidegate.engine.ports.store import Reader, Transaction
from tidegate.engine.ports.world import World

ACCOUNTS: Final = "service_account"
"""Documents of accounts, by their emails."""
KEYS: Final = "account_key"
"""Documents of keys, by ``EMAIL/ID``."""

_account = msgspec.msgpack.Decoder(ServiceAccount)
_key = msgspec.msgpack.Decoder(AccountKey)
_encode = msgspec.msgpack.encode


class NewAccount(NamedTuple):
    """What the caller says of a new account."""

    email: str
    project: str
    display_name: str = ""
    description: str = ""


class Accounts:
    """The accounts of all projects. An email belongs to one account."""

    def __init__(self, world: World) -> None:
        self._store = world.store
        self._clock = world.clock
        self._ids = world.ids
        self._events = world.events

    async def create(self, new: NewAccount) -> ServiceAccount:
        """Make an account. Raises AlreadyExists, and ResourceExhausted when there are ``ACCOUNTS_MAX``."""
        now, etag = self._clock.now(), self._ids.etag()
        (number,) = self._ids.task_ids(now, 1)
        account = ServiceAccount(new.email, new.project, number, now, new.display_name, new.description, etag)

        def work(tx: Transaction) -> None:
            if tx.document(ACCOUNTS, new.email, now) is not None:
                raise AlreadyExists(f"Service account {new.email} already exists.")
            if sum(1 for _ in all_documents(tx, ACCOUNTS, now)) >= ACCOUNTS_MAX:
                raise ResourceExhausted(f"There are at most {ACCOUNTS_MAX} service accounts.")
            tx.put_document(ACCOUNTS, new.email, _encode(account))
            note_access_change(tx, etag)

        await self._store.write(work)
        self._events.emit(AccountChanged(account))
        return account

    async def get(self, email: str) -> ServiceAccount:
        """Raises NotFound."""
        return await self._store.read(lambda reader: found_account(reader, email, self._clock.now()))

    async def page(self, project: str, after: str, limit: int) -> list[ServiceAccount]:
        """The first accounts of a project behind an email, in the order of their emails."""

        def look(reader: Reader) -> list[ServiceAccount]:
            page: list[ServiceAccount] = []
            for account in every_account(reader, self._clock.now(), after):
                if account.project == project:
                    page.append(account)
                    if len(page) == limit:
                        break
            return page

        return await self._store.read(look)

    async def update(self, email: str, texts: Mapping[str, str], known: bytes = b"") -> ServiceAccount:
        """Give an account another ``display_name`` or ``description``. Raises NotFound, and Aborted when its etag is
        not the one that is ``known``.
        """
        now, etag = self._clock.now(), self._ids.etag()

        def work(tx: Transaction) -> ServiceAccount:
            present = found_account(tx, email, now)
            if known and known != present.etag:
                raise Aborted("ServiceAccount.etag is not the present one: the account was changed meanwhile.")
            account = replace(present, etag=etag, **texts)
            tx.put_document(ACCOUNTS, email, _encode(account))
            return account

        return await self._store.write(work)

    async def delete(self, email: str) -> None:
        """Delete an account with its keys and its policy. Raises NotFound."""
        now, etag = self._clock.now(), self._ids.etag()

        def work(tx: Transaction) -> ServiceAccount:
            account = found_account(tx, email, now)
            for key in keys_of(tx, email, now):
                tx.drop_document(KEYS, _key_document(key))
            tx.drop_document(OTHERS_KIND, account.name)
            tx.drop_document(ACCOUNTS, email)
            note_access_change(tx, etag)
            return account

        self._events.emit(AccountChanged(await self._store.write(work), gone=True))

    async def add_key(self, email: str, key_id: str, public: bytes) -> AccountKey:
        """Keep the public half of a new key. Raises NotFound, and ResourceExhausted when it has ``KEYS_MAX``."""
        now, etag = self._clock.now(), self._ids.etag()
        key = AccountKey(email, key_id, public, now)

        def work(tx: Transaction) -> None:
            found_account(tx, email, now)
            if len(keys_of(tx, email, now)) >= KEYS_MAX:
                raise ResourceExhausted(f"Service account {email} has {KEYS_MAX} keys, which is the most: delete one.")
            tx.put_document(KEYS, _key_document(key), _encode(key))
            note_access_change(tx, etag)

        await self._store.write(work)
        self._events.emit(KeyChanged(key))
        return key

    async def keys(self, email: str) -> list[AccountKey]:
        """The keys of an account. Raises NotFound."""

        def look(reader: Reader) -> list[AccountKey]:
            found_account(reader, email, self._clock.now())
            return keys_of(reader, email, self._clock.now())

        return await self._store.read(look)

    async def delete_key(self, email: str, key_id: str) -> None:
        """Raises NotFound."""
        now, etag = self._clock.now(), self._ids.etag()

        def work(tx: Transaction) -> AccountKey:
            document = f"{email}/{key_id}"
            kept = tx.document(KEYS, document, now)
            if kept is None:
                raise NotFound(f"Service account key {key_id} does not exist.")
            tx.drop_document(KEYS, document)
            note_access_change(tx, etag)
            return _key.decode(kept)

        self._events.emit(KeyChanged(await self._store.write(work), gone=True))


def found_account(reader: Reader, email: str, now: datetime) -> ServiceAccount:
    """Raises NotFound."""
    kept = reader.document(ACCOUNTS, email, now)
    if kept is None:
        raise NotFound(f"Unknown service account: {email}")
    return _account.decode(kept)


def every_account(reader: Reader, now: datetime, after: str = "") -> Iterator[ServiceAccount]:
    """All accounts behind an email, in the order of their emails."""
    for _, value in all_documents(reader, ACCOUNTS, now, after):
        yield _account.decode(value)


def every_key(reader: Reader, now: datetime) -> Iterator[AccountKey]:
    for _, value in all_documents(reader, KEYS, now):
        yield _key.decode(value)


def keys_of(reader: Reader, email: str, now: datetime) -> list[AccountKey]:
    return [_key.decode(value) for _, value in reader.documents(KEYS, f"{email}/", "", KEYS_MAX, now)]


def _key_document(key: AccountKey) -> str:
    return f"{key.email}/{key.id}"
