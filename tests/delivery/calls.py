"""The calls the tests send."""

from __future__ import annotations

from datetime import timedelta

from tidegate.core.target import HttpCall

SECOND = timedelta(seconds=1)
HEADERS = (
    ("User-Agent", "Google-Cloud-Tasks"),
    ("X-CloudTasks-QueueName", "queue"),
    ("X-CloudTasks-TaskName", "task"),
)


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
