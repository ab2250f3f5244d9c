"""ListAuditEntries: the last entries of the audit log that this node wrote, newest first."""

from __future__ import annotations

from typing import Any, Final

from tidegate.api.audit import Entry
from tidegate.api.fields import schema_of
from tidegate.api.operator.parts import Parts
from tidegate.api.pace import Pace
from tidegate.api.times import put_moment
from tidegate.core.errors import FailedPrecondition, InvalidArgument
from tidegate.core.listing import compile_filter, page_token, read_page_token
from tidegate.schema import operator
from tidegate.schema.rpc import raw

PAGE_MAX: Final = 1000
"""Entries on a page."""

_AuditEntry: Final = raw(operator.AuditEntry)
_Response: Final = raw(operator.ListAuditEntriesResponse)


async def list_audit_entries(parts: Parts, request: Any, parent: str, call: Any) -> Any:
    if parts.audit is None:
        raise FailedPrecondition("No audit log is kept: start the server with --access and --audit-log FILE.")
    if request.page_size < 0:
        raise InvalidArgument("ListAuditEntriesRequest.pageSize cannot be negative.")
    size = min(request.page_size, PAGE_MAX) or PAGE_MAX
    now = parts.engine.clock.now()
    last = read_page_token(request.page_token, parent, request.filter, now)
    chooses = compile_filter(request.filter, schema_of(_AuditEntry.DESCRIPTOR))
    response, pace, number = _Response(), Pace(), 0
    for entry in [each for each in reversed(parts.audit.entries) if not last or each.number < int(last)]:
        await pace.step()
        if parent not in {"-", entry.resource} and not entry.resource.startswith(f"{parent}/"):
            continue
        written = _written(entry)
        if not chooses(written):
            continue
        if len(response.entries) == size:
            response.next_page_token = page_token(str(number), parent, request.filter, now)
            break
        response.entries.append(written)
        number = entry.number
    return response


def _written(entry: Entry) -> Any:
    written = _AuditEntry(
        log=entry.log,
        method=entry.method,
        resource=entry.resource,
        member=entry.member,
        permission=entry.permission,
        granted=entry.granted,
        caller_address=entry.address,
    )
    put_moment(written.time, entry.time)
    written.status.code = entry.code
    written.status.message = entry.message
    return written
