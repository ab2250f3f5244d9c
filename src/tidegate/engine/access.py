"""Who may do what, as the store has it: all policies, accounts and keys in memory, changed with the store.

Built only where access is checked. It is told of changes by events; those that other nodes made it finds by the mark
that every change leaves.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple

from tidegate.core.access import SERVER, Grants, Principal, Roles
from tidegate.core.access.accounts import AccountKey, ServiceAccount
from tidegate.core.policy import Policy
from tidegate.engine.accounts import every_account, every_key
from tidegate.engine.documents import access_mark
from tidegate.engine.policies import every_policy
from tidegate.engine.ports.events import (
    AccountChanged,
    AllDeleted,
    Event,
    KeyChanged,
    PolicyChanged,
    QueueDeleted,
)
from tidegate.engine.ports.store import Reader, Store
from tidegate.engine.ports.world import MachineClock

LOOKED_AT: Final = 2.0
"""Seconds between two checks whether another node changed something."""
DECISIONS_MAX: Final = 20_000
"""Decisions that are remembered. Callers ask for the same few again and again."""

logger = logging.getLogger(__name__)


class Kept(NamedTuple):
    """What the store has: the mark of the last change, policies by resource, accounts by email, keys by their IDs."""

    mark: bytes
    policies: Mapping[str, Policy]
    accounts: dict[str, ServiceAccount]
    keys: dict[tuple[str, str], AccountKey]


class Access:
    """``ports.Events``, and the answer to ``allows``. ``load`` comes first.

    ``server_policy`` is added to the stored one of the server. ``on_change`` are called when credentials may have
    changed their meaning.
    """

    def __init__(
        self,
        store: Store,
        clock: MachineClock,
        roles: Roles,
        admins: Collection[str] = (),
        server_policy: Policy | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._grants = Grants(roles, admins)
        self.roles = roles
        self._file = server_policy
        self._stored: dict[str, Policy] = {}
        self._mark = b""
        self.accounts: dict[str, ServiceAccount] = {}
        self.keys: dict[tuple[str, str], AccountKey] = {}
        self.on_change: list[Callable[[], None]] = []
        self._decisions: dict[tuple[Principal, str, str], bool] = {}
        self._loading = False

    def allows(self, principal: Principal, permission: str, resource: str) -> bool:
        """Whether the principal has the permission on the resource (see ``core.access.queue_of``)."""
        grants = self._grants
        if grants.good_until is not None and grants.good_until <= self._clock.now():
            grants.renew(self._clock.now())
            self._decisions.clear()
        asked = principal, permission, resource
        decision = self._decisions.get(asked)
        if decision is None:
            decision = grants.allows(principal, permission, resource)
            if len(self._decisions) >= DECISIONS_MAX:
                self._decisions.clear()
            self._decisions[asked] = decision
        return decision

    def permissions(self, principal: Principal, resource: str) -> frozenset[str]:
        """All that the principal may do on the resource."""
        return self._grants.permissions(principal, resource)

    def where(self, principal: Principal, permission: str) -> list[str]:
        """The resources of which the policy itself gives the principal the permission: ``server`` alone, or others."""
        return self._grants.where(principal, permission)

    def because(self, principal: Principal, permission: str, resource: str) -> list[tuple[str, str, str]]:
        """Why it is allowed: resource, role, member."""
        return self._grants.because(principal, permission, resource)

    @property
    def has_admin(self) -> bool:
        return self._grants.has_admin

    def use_policy(self, policy: Policy | None) -> None:
        """Another policy of the server beside the stored one."""
        self._file = policy
        self._set(SERVER)

    async def load(self) -> None:
        """Read all that the store has."""
        self._loading = True
        while self._loading:  # again, when something changed meanwhile
            self._loading = False
            kept = await self._store.read(self._look)
        self._mark = kept.mark
        self.accounts, self.keys = kept.accounts, kept.keys
        self._stored = dict(kept.policies)
        now = self._clock.now()
        self._grants.set_all({resource: self._policies(resource) for resource in {*self._stored, SERVER}}, now)
        self._changed()

    async def watch(self) -> None:
        """Follow what other nodes change, until cancelled."""
        while True:
            await self._clock.sleep(LOOKED_AT)
            try:
                if await self._store.read(lambda reader: access_mark(reader, self._clock.now())) != self._mark:
                    await self.load()
            except Exception:
                logger.exception("cannot read policies and accounts; those of before hold")

    def emit(self, event: Event) -> None:
        take = _TAKEN.get(type(event))
        if take is not None:
            take(self, event)

    def _look(self, reader: Reader) -> Kept:
        now = self._clock.now()
        return Kept(
            access_mark(reader, now),
            dict(every_policy(reader, now)),
            {account.email: account for account in every_account(reader, now)},
            {(key.email, key.id): key for key in every_key(reader, now)},
        )

    def _policy_changed(self, event: PolicyChanged) -> None:
        self._loading = True  # what is being read now may be older
        self._stored[event.resource] = event.policy
        self._set(event.resource)

    def _queue_deleted(self, event: QueueDeleted) -> None:
        if self._stored.pop(event.queue, None) is not None:
            self._loading = True
            self._set(event.queue)

    def _account_changed(self, event: AccountChanged) -> None:
        self._loading = True
        account = event.account
        if not event.gone:
            self.accounts[account.email] = account
            return
        self.accounts.pop(account.email, None)
        for key in [key for key in self.keys if key[0] == account.email]:
            del self.keys[key]
        if self._stored.pop(account.name, None) is not None:
            self._set(account.name)
        self._changed()

    def _key_changed(self, event: KeyChanged) -> None:
        self._loading = True
        key = event.key
        if event.gone:
            self.keys.pop((key.email, key.id), None)
        else:
            self.keys[key.email, key.id] = key
        self._changed()

    def _all_deleted(self, _event: AllDeleted) -> None:
        self._loading = True
        self._stored.clear()
        self.accounts, self.keys = {}, {}
        self._grants.set_all({SERVER: self._policies(SERVER)}, self._clock.now())
        self._changed()

    def _set(self, resource: str) -> None:
        self._grants.set(resource, self._policies(resource), self._clock.now())
        self._decisions.clear()

    def _policies(self, resource: str) -> list[Policy]:
        stored = self._stored.get(resource)
        found = [] if stored is None else [stored]
        return [*found, self._file] if resource == SERVER and self._file is not None else found

    def _changed(self) -> None:
        self._decisions.clear()
        for tell in self.on_change:
            tell()


_TAKEN: Final[Mapping[type[Event], Callable[[Access, Any], None]]] = {
    AccountChanged: Access._account_changed,  # noqa: SLF001
    KeyChanged: Access._key_changed,  # noqa: SLF001
    PolicyChanged: Access._policy_changed,  # noqa: SLF001
    QueueDeleted: Access._queue_deleted,  # noqa: SLF001
    AllDeleted: Access._all_deleted,  # noqa: SLF001
}
