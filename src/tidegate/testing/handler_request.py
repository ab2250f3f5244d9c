"""A request as a handler gets it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

TASK_HEADERS = ("X-CloudTasks-TaskName", "X-AppEngine-TaskName")


class HandlerRequest:
    """A request that a task made. ``status`` is what the handler answered, None while it has not.

    ``headers`` are by their names in lower case. ``error`` is the exception that the handler raised, which counts as a
    500.
    """

    def __init__(self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes) -> None:
        self.method = method
        self.url = url
        self.sent_headers = tuple(headers)
        self.headers = {name.lower(): value for name, value in headers}
        self.body = body
        self.status: int | None = None
        self.error: BaseException | None = None

    @property
    def path(self) -> str:
        """The path of the URL, as it was sent."""
        return urlsplit(self.url).path or "/"

    @property
    def query(self) -> str:
        """The query of the URL, without its question mark."""
        return urlsplit(self.url).query

    @property
    def task(self) -> str:
        """The ID of the task."""
        return next((self.headers[name.lower()] for name in TASK_HEADERS if name.lower() in self.headers), "")

    @property
    def json(self) -> Any:
        """The body as JSON. Raises ValueError when it is none."""
        return json.loads(self.body)

    @property
    def text(self) -> str:
        """The body as text; bytes that are no UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    def __repr__(self) -> str:
        answered = "" if self.status is None else f" -> {self.status}"
        return f"<{self.method} {self.url}{answered}>"
