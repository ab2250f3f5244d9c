"""Who did what: an entry for each call that changed something, touched a policy or was refused.

The last entries are kept in memory for ListAuditEntries; ``write`` gets every one. An entry has no body, header or
token.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from tidegate.core.access import ANYONE, SERVER, Principal
from tidegate.core.errors import ApiError, Code, ErrorInfo
from tidegate.engine.ports.world import MachineClock
from tidegate.schema.rpc import Rpc

KEPT: Final = 10_000
"""Entries in memory, some 5 MB."""
ACTIVITY: Final = "activity"
DATA_ACCESS: Final = "data_access"
POLICY: Final = "policy"

_ASKING: Final = frozenset({"test_iam_permissions", "preview_retries", "who_am_i", "explain_access"})
"""Calls that change nothing, though they are made by POST."""
_ADMINISTRATION: Final = (
    "cloudtasks.queues.",
    "cloudtasks.cmekConfig.",
    "iam.",
    "resourcemanager.",
    "tidegate.server.",
)
"""Permissions of calls that change what there is, beside tasks."""


class Entry(Struct, frozen=True):
    """A call. ``number`` counts them since the start of the server. ``log`` is ``activity`` for administration,
    ``data_access`` for tasks and reads, ``policy`` for what was refused.
    """

    number: int
    time: datetime
    log: str
    method: str
    resource: str
    member: str
    permission: str
    granted: bool
    address: str
    code: Code
    message: str


class AuditTrail:
    """``api.door.Audit``: makes the entries."""

    def __init__(self, clock: MachineClock, write: Callable[[Entry], None], *, reads: bool = False) -> None:
        self._clock = clock
        self._write = write
        self._reads = reads
        self._count = 0
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        """The last ones, the newest at the end."""

    def wants(self, row: Rpc[Any, Any]) -> bool:
        return self._reads or not is_read(row)

    def note(
        self, row: Rpc[Any, Any], name: str, caller: Principal | None, call: Any, error: ApiError | None, granted: bool
    ) -> None:
        log = log_of(row) if granted else POLICY
        lacked = None if granted or error is None else lacking(error)
        self._put(log, row.full_name, str(name), caller, lacked or row.permission or "", call, error, granted=granted)

    def note_beside(
        self, method: str, permission: str, caller: Principal | None, call: Any, error: ApiError | None
    ) -> None:
        log = ACTIVITY if error is None else POLICY
        self._put(log, method, SERVER, caller, permission, call, error, granted=error is None)

    def _put(
        self,
        log: str,
        method: str,
        name: str,
        caller: Principal | None,
        permission: str,
        call: Any,
        error: ApiError | None,
        *,
        granted: bool,
    ) -> None:
        scope = getattr(call, "scope", None)
        client = scope.get("client") if scope is not None else None
        self._count += 1
        entry = Entry(
            self._count,
            self._clock.now(),
            log,
            method,
            name,
            "" if caller is None or caller is ANYONE else caller.member,
            permission,
            granted,
            str(client[0]) if client else "",
            Code.OK if error is None else error.code,
            "" if error is None else error.message,
        )
        self.entries.append(entry)
        self._write(entry)


def lacking(error: ApiError) -> str | None:
    """The permission that a refusal names: a call can need more than its row says."""
    for detail in error.details:
        if isinstance(detail, ErrorInfo):
            return detail.metadata.get("permission")
    return None


def is_read(row: Rpc[Any, Any]) -> bool:
    """Whether a call of a row changes nothing."""
    gets = row.http is not None and row.http.verb == "GET"
    return gets or row.name.startswith(("get_", "list_")) or row.name in _ASKING


def log_of(row: Rpc[Any, Any]) -> str:
    """The log that calls of a row belong to."""
    changes = not is_read(row) and (row.permission or "").startswith(_ADMINISTRATION)
    return ACTIVITY if changes else DATA_ACCESS
