"""The routes of pages, for their spans: of addresses that differ in names only there is one."""

from __future__ import annotations

import re
from typing import Final

from tidegate.console.request import PREFIX

STATIC: Final = "static/"
LIVE: Final = "live"

_NAMED: Final = re.compile(r"projects/[^/]+/locations/[^/]+/queues/[^/]+(/tasks/[^/]+)?")


def route_of(method: str, path: str) -> str | None:
    """The route of a request, such as ``/console/{queue}/metrics``, and ``/console/`` alone where there is no page.

    None for files, and for the stream by which pages hear that something has changed.
    """
    from tidegate.console.routes import find  # noqa: PLC0415 - Jinja2 waits for the first page

    below = path.removeprefix(PREFIX)
    if below == LIVE or below.startswith(STATIC):
        return None
    if find(method, below) is None:
        return PREFIX
    return PREFIX + _NAMED.sub(lambda found: "{task}" if found[1] else "{queue}", below)
