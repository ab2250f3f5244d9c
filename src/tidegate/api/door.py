"""The one door: between the name of a call and its handler stands the question who calls, and whether they may.

    door = Door(callers, access)
    answer = door.method(row, enter, inner)

The callables of all rows are made with it, of every API and for every server. A handler never asks who calls. What only
a handler knows, it asks by the ``May`` that it is given. Where access is not checked there is no door, and no cost.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Any, Final, Protocol, TypeAlias

from tidegate.api.needs import needs_of
from tidegate.core.access import ANYONE, SERVER, Principal, queue_of
from tidegate.core.access.permissions import ACT_AS
from tidegate.core.access.refusals import account_unknown, credentials_missing, permission_denied
from tidegate.core.access.resources import account_name
from tidegate.core.errors import ApiError, PermissionDenied
from tidegate.core.names import QueueName, TaskName
from tidegate.engine.access import Access
from tidegate.schema.rpc import Rpc

Enter: TypeAlias = Callable[[Any], Any]
"""Takes a raw request; returns the name by which the call is routed, or raises."""

Inner: TypeAlias = Callable[[Any, Any, Any, Principal], Awaitable[Any]]
"""Takes a raw request, that name, the call and who makes it; awaited, it returns the answer."""

InnerStream: TypeAlias = Callable[[Any, Any, Any, Principal], Awaitable[AsyncGenerator[Any, None]]]
"""The same of a row that streams; awaited, it returns the answers."""


class Callers(Protocol):
    """Finds out who calls."""

    def known(self, call: Any) -> Principal | None:
        """Who makes the call, if nothing must be verified for that."""

    async def authenticate(self, call: Any, method: str) -> Principal:
        """Who makes the call. Raises an ApiError."""


class Audit(Protocol):
    """Is told how calls ended."""

    def wants(self, row: Rpc[Any, Any]) -> bool:
        """Whether calls of a row are told that succeed or fail. Refused ones always are."""

    def note(
        self, row: Rpc[Any, Any], name: str, caller: Principal | None, call: Any, error: ApiError | None, granted: bool
    ) -> None:
        """A call of ``row`` on ``name`` has ended, or was refused (not ``granted``)."""

    def note_beside(
        self, method: str, permission: str, caller: Principal | None, call: Any, error: ApiError | None
    ) -> None:
        """A call of something beside the rows was refused, or has changed the server (no ``error``)."""


class May:
    """What a caller may do: ``may(permission, resource)`` raises PermissionDenied."""

    __slots__ = ("_door", "principal")

    def __init__(self, door: Door | None, principal: Principal | None) -> None:
        self._door = door
        self.principal = principal
        """Who calls; None where nobody is asked."""

    def __call__(self, permission: str, resource: str) -> None:
        """Raise PermissionDenied unless the caller has the permission on what the name belongs to."""
        if not self.holds(permission, resource):
            raise permission_denied(permission, resource)

    def holds(self, permission: str, resource: str) -> bool:
        """Whether the caller has the permission."""
        return self._door is None or self.principal is None or self._door.holds(self.principal, permission, resource)

    def where(self, permission: str) -> list[str]:
        """The resources of which the policy itself gives the caller the permission: ``server`` alone where that holds
        everywhere, or where nobody is asked.
        """
        if self._door is None or self.principal is None:
            return [SERVER]
        return self._door.access.where(self.principal, permission)

    def permissions(self, resource: str) -> frozenset[str]:
        """All that the caller may do on what the name belongs to; nothing where nobody is asked."""
        if self._door is None or self.principal is None:
            return frozenset()
        return self._door.access.permissions(self.principal, queue_of(resource))

    def because(self, principal: Principal, permission: str, resource: str) -> list[tuple[str, str, str]]:
        """Why a principal has a permission on a resource: resource, role and member of each binding."""
        return [] if self._door is None else self._door.access.because(principal, permission, resource)

    def roles_holding(self, permission: str) -> list[str]:
        """The roles that grant a permission, the narrowest first."""
        return [] if self._door is None else self._door.access.roles.holding(permission)

    def act_as(self, email: str) -> None:
        """Raise PermissionDenied unless the caller may have tokens issued for a service account; NotFound when it is
        not known here, where only those may be named.
        """
        if self._door is not None and self.principal is not None:
            self._door.check_act_as(self.principal, email)


FREE: Final = May(None, None)
"""Everything is allowed: nobody is asked who they are."""


class Door:
    """The check in front of every handler. With ``known_accounts`` tasks may name only accounts that were made here."""

    def __init__(
        self, callers: Callers, access: Access, *, known_accounts: bool = False, audit: Audit | None = None
    ) -> None:
        self._callers = callers
        self.access = access
        self._known_accounts = known_accounts
        self._audit = audit

    def method(self, row: Rpc[Any, Any], enter: Enter, inner: Inner) -> Callable[..., Awaitable[Any]]:
        """The callable of a row, from request and call to the answer."""
        known, check, audit = self._callers.known, self._check(row), self._audit
        watched = audit is not None
        wanted = audit is not None and audit.wants(row)

        def answer(request: Any, call: Any = None) -> Awaitable[Any]:
            name = enter(request)
            principal = known(call)
            if principal is None:
                return later(request, name, call)
            check(principal, request, name, call)
            if watched:
                return watch(request, name, call, principal)
            return inner(request, name, call, principal)

        async def later(request: Any, name: Any, call: Any) -> Any:
            principal = await self.principal(row, name, call)
            check(principal, request, name, call)
            return await (watch if watched else inner)(request, name, call, principal)

        async def watch(request: Any, name: Any, call: Any, principal: Principal) -> Any:
            assert audit is not None  # noqa: S101 - only then is it watched
            try:
                answered = await inner(request, name, call, principal)
            except ApiError as error:
                granted = not isinstance(error, PermissionDenied)  # else the handler asked, and was told no
                if wanted or not granted:
                    audit.note(row, name, principal, call, error, granted=granted)
                raise
            if wanted:
                audit.note(row, name, principal, call, None, granted=True)
            return answered

        return answer

    def stream(
        self, row: Rpc[Any, Any], enter: Enter, inner: InnerStream
    ) -> Callable[..., Awaitable[AsyncGenerator[Any, None]]]:
        """The same of a row that streams. Before each answer it is checked anew whether the caller still may."""
        check, audit = self._check(row), self._audit

        async def answer(request: Any, call: Any = None) -> AsyncGenerator[Any, None]:
            name = enter(request)
            principal = await self.principal(row, name, call)
            check(principal, request, name, call)
            answers = await inner(request, name, call, principal)
            if audit is not None and audit.wants(row):
                audit.note(row, name, principal, call, None, granted=True)
            return checked(answers, request, name, call)

        async def checked(
            answers: AsyncGenerator[Any, None], request: Any, name: Any, call: Any
        ) -> AsyncGenerator[Any, None]:
            async with aclosing(answers):
                async for each in answers:
                    check(await self.principal(row, name, call), request, name, call)
                    yield each

        return answer

    def entrance(self, row: Rpc[Any, Any]) -> Callable[[Any, Any, Any], Awaitable[None]]:
        """Awaited with request, name and call, it raises unless the caller may make this call."""
        check = self._check(row)

        async def enter(request: Any, name: Any, call: Any) -> None:
            check(await self.principal(row, name, call), request, name, call)

        return enter

    async def principal(self, row: Rpc[Any, Any], name: str, call: Any) -> Principal:
        """Who makes a call. Raises an ApiError."""
        known = self._callers.known(call)
        if known is not None:
            return known
        try:
            return await self._callers.authenticate(call, row.full_name)
        except ApiError as error:
            if self._audit is not None:
                self._audit.note(row, name, None, call, error, granted=False)
            raise

    def may(self, call: Any) -> May:
        """What the maker of a call may do that has passed the door."""
        return May(self, self._callers.known(call) or ANYONE)

    async def check(self, call: Any, permission: str | None, resource: str, method: str) -> Principal:
        """Who makes a call of something beside the rows, such as ``/metrics``: anyone who is known, and who has the
        permission. Raises an ApiError.
        """
        principal = None
        try:
            principal = self._callers.known(call) or await self._callers.authenticate(call, method)
            allowed = principal.known if permission is None else self.holds(principal, permission, resource)
            if not allowed:
                raise permission_denied(permission or "", resource) if principal.known else credentials_missing(method)
        except ApiError as error:
            self.note_beside(method, permission, principal, call, error)
            raise
        return principal

    def note_beside(
        self, method: str, permission: str | None, caller: Principal | None, call: Any, error: ApiError | None = None
    ) -> None:
        """Tell the audit log of a call of something beside the rows, if there is one."""
        if self._audit is not None:
            self._audit.note_beside(method, permission or "", caller, call, error)

    def holds(self, principal: Principal, permission: str, name: str) -> bool:
        """Whether a principal has a permission on what a name belongs to."""
        return self.access.allows(principal, permission, queue_of(name))

    def check_act_as(self, principal: Principal, email: str) -> None:
        if self._known_accounts and email not in self.access.accounts:
            raise account_unknown(email)
        if not self.access.allows(principal, ACT_AS, account_name(email)):
            raise permission_denied(ACT_AS, email)

    def _check(self, row: Rpc[Any, Any]) -> Callable[[Principal, Any, Any, Any], None]:
        """What raises unless a principal may make this call."""
        allows, full_name, needs = self.access.allows, row.full_name, needs_of(row)
        wanted = (*((row.permission,) if row.permission is not None else ()), *row.more_permissions)

        def check(principal: Principal, request: Any, name: Any, call: Any) -> None:
            kind = type(name)
            resource = name if kind is QueueName else name.parent if kind is TaskName else queue_of(name)
            try:
                for permission in wanted:
                    if not allows(principal, permission, resource):
                        raise permission_denied(permission, name)
                for need in needs:
                    if found := need(request):
                        self._meet(found, principal, name, resource)
            except ApiError as error:
                refusal = error if principal.known else credentials_missing(full_name)
                if self._audit is not None:
                    self._audit.note(row, name, principal, call, refusal, granted=False)
                raise refusal from None

        return check

    def _meet(self, needed: Iterable[tuple[str, str]], principal: Principal, name: str, resource: str) -> None:
        for permission, email in needed:
            if email:
                self.check_act_as(principal, email)
            elif not self.access.allows(principal, permission, resource):
                raise permission_denied(permission, name)
