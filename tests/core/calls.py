"""What is called for a task, in short forms."""

from typing import Any

from tests.core.examples import URL, queue, task

from tidegate.core.queue import HttpTarget, Queue, UriOverride
from tidegate.core.target import HttpCall, Unsendable, compose
from tidegate.core.task import AppEngineRequest, HttpRequest, Task

APP_AGENT = "AppEngine-Google; (+http://code.google.com/appengine)"
AGENT = ("User-Agent", "Google-Cloud-Tasks")


def called(current: Task, where: Queue | None = None, app_engine: dict[str, str] | None = None) -> HttpCall:
    call = compose(current, where or queue(), app_engine or {})
    assert isinstance(call, HttpCall)
    return call


def unsent(current: Task, where: Queue | None = None) -> str:
    call = compose(current, where or queue(), {})
    assert isinstance(call, Unsendable)
    return call.reason


def http(url: str = URL, body: bytes = b"", **changes: Any) -> Task:
    return task(target=HttpRequest(url, **{"headers": {"User-Agent": "Google-Cloud-Tasks"}, **changes}), body=body)


def app(**changes: Any) -> Task:
    return task(target=AppEngineRequest(**{"headers": {"User-Agent": APP_AGENT}, **changes}))


def routed(override: UriOverride | None = None, **changes: Any) -> Queue:
    return queue(http_target=HttpTarget(uri_override=override, **changes))


def header(call: HttpCall, name: str) -> str | None:
    """The value of the only header of that name, in any case."""
    values = [value for key, value in call.headers if key.lower() == name.lower()]
    assert len(values) < 2
    return values[0] if values else None
