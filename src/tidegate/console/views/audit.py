"""Who did what."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from tidegate.console.answer import Answer
from tidegate.console.snapshot import moment
from tidegate.console.visit import Visit
from tidegate.core.errors import FailedPrecondition, Unimplemented
from tidegate.schema.operator import Operator

PAGE_SIZE: Final = 50


async def audit(visit: Visit) -> Answer:
    chosen, token = visit.request.asked("q"), visit.request.asked("after")
    page, reason = None, ""
    try:
        page = await visit.calls(
            Operator.list_audit_entries, parent="-", filter=chosen, page_size=PAGE_SIZE, page_token=token
        )
    except (FailedPrecondition, Unimplemented) as error:  # nothing is written down on this server
        reason = error.message
    following = None
    if page is not None and page.next_page_token and page.entries:
        following = "audit?" + urlencode({"q": chosen, "after": page.next_page_token})
    return visit.page(
        "audit.html",
        title="Audit",
        section="audit",
        reason=reason,
        rows=[(entry, moment(entry, "time")) for entry in page.entries] if page is not None else [],
        query=chosen,
        next=following,
        previous="audit" if token else None,
    )
