"""A server that plays Cloud Tasks: canned answers over REST, and the requests that came."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

QUEUES = "projects/demo/locations/here/queues/"
CREATED = "2026-01-01T00:00:00.123456Z"
DUE = "2026-01-01T00:00:00Z"
POLICY = {"version": 1, "etag": "BwXhqDVPz5A=", "bindings": [{"role": "roles/viewer", "members": ["user:a@b.c"]}]}
KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
EXPLANATION = {
    "name": f"{QUEUES}mail/tasks/t1",
    "state": "SCHEDULED",
    "willRunTime": "2026-01-01T12:05:00Z",
    "reasons": [
        {"code": "BACKING_OFF", "text": "Attempt 2 failed with 503.", "until": "2026-01-01T12:05:00Z"},
        {"code": "QUEUE_PAUSED", "text": "The queue is paused", "details": {"since_call": "PauseQueue"}},
    ],
}
NO_QUEUE = "Queue does not exist. If you just created the queue, wait at least a minute for the queue to initialize."


class Request(NamedTuple):
    """A request that came: verb, path, query, JSON body, and its headers in lower case."""

    verb: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


class Scripted:
    """The server. ``locations`` are what ListLocations answers."""

    def __init__(self, url: str, requests: list[Request]) -> None:
        self.url = url
        self.requests = requests
        self.locations = ["here", "there"]

    def taken(self) -> list[Request]:
        """The requests since the last look."""
        taken = list(self.requests)
        self.requests.clear()
        return taken


@contextmanager
def scripted() -> Iterator[Scripted]:
    """A server on a free port of loopback, for as long as the block lasts."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    state = Scripted(f"http://127.0.0.1:{server.server_port}", [])
    server.state = state  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


ACCOUNT = {"name": "k1", "email": "mailer@shop.iam.gserviceaccount.com", "privateKeyData": "e30="}
"""An account and a key of it at once."""


class _Handler(BaseHTTPRequestHandler):
    server: Any

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self) -> None:
        where = urlsplit(self.path)
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        body = json.loads(data) if data else None
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, unquote(where.path), dict(parse_qsl(where.query)), body, headers)
        self.server.state.requests.append(request)
        status, said = answer(request, self.server.state.locations)
        text = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names that the library calls


def answer(request: Request, locations: list[str]) -> tuple[int, Any]:
    """Status and JSON for a request, by the last words of its path."""
    last = request.path.rpartition("/")[2]
    if last.startswith("missing"):
        return 404, {"error": {"code": 404, "message": NO_QUEUE, "status": "NOT_FOUND"}}
    if "/serviceAccounts" in request.path and ":" not in last:
        return 200, ACCOUNT
    if last.startswith("bad"):
        violation = {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "a", "description": "b"}],
        }
        return 400, {
            "error": {"code": 400, "message": "Bad thing.", "status": "INVALID_ARGUMENT", "details": [violation]}
        }
    return 200, _good(request, last, locations)


def _good(request: Request, last: str, locations: list[str]) -> Any:
    version = request.path.split("/")[1]
    if version == "operator":
        return _operated(request, last)
    name, _, verb = last.partition(":")
    if verb == "getIamPolicy":
        return POLICY
    if verb == "setIamPolicy":
        return request.body["policy"]
    if last == "locations":
        return {"locations": [{"name": f"projects/demo/locations/{each}", "locationId": each} for each in locations]}
    if last == "cmekConfig":
        return {"name": request.path.removeprefix(f"/{version}/"), "kmsKey": KEY}
    if "/queues" not in request.path:
        return {"name": request.path.removeprefix(f"/{version}/"), "locationId": last}
    if request.verb == "DELETE" or verb == "acknowledge":
        return {}
    if last.startswith("queues"):
        return _queues(request, version)
    if "/tasks" in request.path:
        return _tasks(request, version, name, verb)
    return queue(version, name)


def _operated(request: Request, last: str) -> Any:
    """What the operator's API answers."""
    name, _, verb = last.partition(":")
    if verb == "redrive":
        return {"name": "operations/1", "done": True, "response": {"matched": "2", "changed": "2"}}
    if verb == "purge":
        return {"name": "operations/2", "done": True, "response": {"matched": "3", "changed": "3"}}
    if verb == "explain":
        return EXPLANATION
    if verb == "render":
        return {"text": "curl -X POST http://localhost/x"}
    if verb == "import":
        return {"imported": str(len(request.body["records"]))}
    if verb == "group":
        return {"groups": [{"errorGroup": "ab12", "text": "503 from a.test", "count": "2"}]}
    if name in {"attempts", "deadTasks", "faults", "nodes"} and request.verb == "GET":
        return {name: [{"name": f"{request.path.removeprefix('/operator/v1/')}/1", "number": 1}]}
    return {"name": request.path.removeprefix("/operator/v1/")}


def _queues(request: Request, version: str) -> Any:
    if request.verb == "POST":
        return queue(version, request.body["name"].rpartition("/")[2])
    if "/empty/" in request.path:
        return {}
    pages = {
        None: {"queues": [queue(version, "q"), queue(version, "r")], "nextPageToken": "t2"},
        "t2": {"queues": [queue(version, "u")], "nextPageToken": "t3"},
        "t3": {},
    }
    return pages[request.query.get("pageToken")]


def _tasks(request: Request, version: str, name: str, verb: str) -> Any:
    if name == "tasks" and (request.verb == "GET" or verb == "lease"):
        return {"tasks": [task(version, "a"), task(version, "b")]}
    if verb == "buffer":
        return {"task": task(version, "x")}
    if name == "tasks":
        return task(version, request.body["task"].get("name", "gen1").rpartition("/")[2])
    return task(version, name)


def queue(version: str, name: str) -> dict[str, Any]:
    """A queue as a version of the API shows it; ``u`` has unlimited attempts."""
    alpha = version == "v2beta2"
    rate, most = (
        ("maxTasksDispatchedPerSecond", "maxConcurrentTasks")
        if alpha
        else ("maxDispatchesPerSecond", "maxConcurrentDispatches")
    )
    kinds: dict[str, dict[str, Any]] = {
        "v2beta2": {"appEngineHttpTarget": {}},
        "v2beta3": {"type": "PUSH", "appEngineHttpQueue": {}},
        "v2": {},
    }
    return {
        "name": QUEUES + name,
        "rateLimits": {rate: 0.5 if version == "v2beta3" else 500, "maxBurstSize": 100, most: 1000},
        "retryConfig": {
            "maxAttempts": -1 if name == "u" else 100,
            "minBackoff": "0.100s",
            "maxBackoff": "3600s",
            "maxDoublings": 16,
        },
        "state": "RUNNING",
        **kinds[version],
    }


def task(version: str, name: str) -> dict[str, Any]:
    """A task as a version of the API shows it; ``b`` was tried."""
    shown: dict[str, Any] = {
        "name": f"{QUEUES}q/tasks/{name}",
        "scheduleTime": DUE,
        "createTime": CREATED,
        "view": "BASIC",
    }
    if version == "v2beta2":
        leased = {"status": {"attemptDispatchCount": 3}} if name == "b" else {}
        return {**shown, "pullMessage": {"tag": "a"}, **leased}
    request = {"url": "http://localhost/x", "httpMethod": "POST", "headers": {"User-Agent": "Google-Cloud-Tasks"}}
    failed = {"responseStatus": {"code": 14, "message": "UNAVAILABLE(14): HTTP status code 503"}}
    tried: dict[str, Any] = {"dispatchCount": 2, "lastAttempt": failed}
    return {**shown, "httpRequest": request, "dispatchDeadline": "600s", **(tried if name == "b" else {})}
