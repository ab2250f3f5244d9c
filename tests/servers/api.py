"""The API over a real engine in memory, asked over REST: a clock that stands still and IDs in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from tests.ids import CountingIds
from tests.servers.driving import Answer, Client

from tidegate.api.rpcs import Api
from tidegate.core.lifecycle import Outcome
from tidegate.engine.engine import Engine
from tidegate.engine.ports.world import Timer, World
from tidegate.schema.versions import all_rows
from tidegate.servers.call import AsgiApp
from tidegate.servers.rest import RestServer
from tidegate.servers.rest.firebase import firebase_answers
from tidegate.servers.rest.mixins import location_answers
from tidegate.storage.sqlite import MemoryStore

NOON = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
LOCATION = "projects/p/locations/us-central1"
QUEUE = f"{LOCATION}/queues/q"
TASK = f"{QUEUE}/tasks/t"
LATER = "2026-06-02T00:00:00Z"


class StillClock:
    def now(self) -> datetime:
        return NOON

    def elapsed(self) -> float:
        return self.monotonic()

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")

    def call_at(self, moment: datetime, wake: Callable[[], None]) -> Timer:
        raise AssertionError("nobody waits here")

    def call_later(self, seconds: float, wake: Callable[[], None]) -> Timer:
        raise AssertionError("nobody waits here")


class Silence:
    """A sender, a token mint and a listener to events in one; nobody hears from it. Every attempt ends well."""

    connections_kept_for = 4.0

    async def send(self, call: Any, authorization: str | None, report: object = None) -> Outcome:
        return Outcome(http_status=200)

    async def authorization(self, token: Any) -> str:
        return "Bearer token"

    def emit(self, event: Any) -> None:
        pass


def still_engine(store: MemoryStore | None = None) -> Engine:
    """An engine that was not started: nothing happens in it but what is asked of it."""
    silence: Any = Silence()
    return Engine(
        World(store or MemoryStore(), silence, silence, StillClock(), StillClock(), CountingIds(digits=1), silence)
    )


def rest_of(engine: Engine) -> RestServer:
    api = Api(engine)
    return RestServer({row: api.method(row) for row in all_rows()} | firebase_answers(api) | location_answers(api))


async def call(
    app: AsgiApp,
    verb: str,
    target: str,
    body: Any = b"",
    *,
    headers: dict[str, str] | None = None,
    client: Client | None = None,
) -> Answer:
    """One HTTP request for ``target``, a path with its query as they travel. A body that is no bytes goes as JSON."""
    client = client or Client([body if isinstance(body, bytes) else json.dumps(body).encode()])
    path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": verb,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": query.encode("utf-8", "surrogateescape"),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()],
    }
    await app(scope, client.receive, client.send)
    return client.answer


def said(answer: Answer) -> tuple[int, Any]:
    """The status and the JSON of an answer."""
    assert answer.headers[b"content-type"] == b"application/json; charset=UTF-8"
    assert int(answer.headers[b"content-length"]) == len(answer.body)
    return answer.http_status, json.loads(answer.body)


def refused(answer: Answer) -> tuple[int, str, str]:
    """The status, code and text of an answer that must be an error."""
    status, value = said(answer)
    assert value.keys() == {"error"}
    assert value["error"]["code"] == status
    return status, value["error"]["status"], value["error"]["message"]
