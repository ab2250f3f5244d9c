"""Which handler a task's URL means."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from tidegate.testing.handler_request import HandlerRequest
from tidegate.testing.steps import Ask


class Targets:
    """The handlers of a test, by the beginning of their URLs; the longest that fits is meant."""

    def __init__(self) -> None:
        self._by_base: dict[str, tuple[str, Any]] = {}

    def put(self, kind: str, handler: Any, base: str) -> None:
        """Have ``handler`` take URLs that begin with ``base``; all others with an empty one."""
        self._by_base[base.rstrip("/")] = kind, handler

    def find(self, request: HandlerRequest) -> Ask | None:
        """What to ask, None when no handler takes the URL."""
        for base in sorted(self._by_base, key=len, reverse=True):
            if not base or _begins(request.url, base):
                return Ask(*self._by_base[base], request)
        return None


def _begins(url: str, base: str) -> bool:
    have, want = urlsplit(url), urlsplit(base)
    if (have.scheme, have.netloc) != (want.scheme, want.netloc):
        return False
    path = want.path.rstrip("/")
    return not path or have.path == path or have.path.startswith(f"{path}/")


class Answers:
    """A handler that answers these statuses in turn, the last one for ever."""

    def __init__(self, statuses: int | Iterable[int]) -> None:
        self._statuses = [statuses] if isinstance(statuses, int) else list(statuses)
        if not self._statuses:
            raise ValueError("name at least one status")

    def __call__(self, _request: HandlerRequest) -> int:
        return self._statuses.pop(0) if len(self._statuses) > 1 else self._statuses[0]
