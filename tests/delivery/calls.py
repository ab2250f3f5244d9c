"""The calls the tests send, and what becomes of those that are broken off."""

from __future__ import annotations

from datetime import timedelta

from tidegate.core.target import HttpCall

SECOND = timedelta(seconds=1)
SOON = timedelta(seconds=2)
"""A deadline that passes while the test waits; until then a request must have come, on a busy machine too."""
HEADERS = (
    ("User-Agent", "Google-Cloud-Tasks"),
    ("X-CloudTasks-QueueName", "queue"),
    ("X-CloudTasks-TaskName", "task"),
)
BROKEN_OFF = {"connection reset", "connection closed without an answer", "answer broken off"}
"""Why there is no answer where a connection ends too early; which of them depends on the moment."""


def call(
    url: str,
    method: str = "POST",
    body: bytes = b"",
    *headers: tuple[str, str],
    timeout: timedelta = 30 * SECOND,
    follows_redirects: bool = True,
    queue: str = "q",
) -> HttpCall:
    return HttpCall(method, url, HEADERS + headers, body, timeout, follows_redirects=follows_redirects, queue=queue)
