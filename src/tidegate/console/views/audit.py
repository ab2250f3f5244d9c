"""Who did what."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from tidegate.console.answer import Answer
from tidegate.console.snapshot import moment
from tidegate.console.visit import Visit, if_built
from tidegate.schema.operator import Operator

PAGE_SIZE: Final = 50


async def audit(visit: Visit) -> Answer:
    chosen, token = visit.request.asked("q"), visit.request.asked("after")
    page = await if_built(
        visit.calls(Operator.list_audit_entries, parent="-", filter=chosen, page_size=PAGE_SIZE, page_token=token)
    )
    following = None
    if page is not None and page.next_page_token and page.entries:
        following = "audit?" + urlencode({"q": chosen, "after": page.next_page_token})
    return visit.page(
        "audit.html",
        title="Audit",
        section="audit",
        built=page is not None,
        rows=[(entry, moment(entry, "time")) for entry in page.entries] if page is not None else [],
        query=chosen,
        next=following,
        previous="audit" if token else None,
    )
