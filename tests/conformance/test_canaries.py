"""No credential of a task, and none of its handler, stands in anything that the operator's API tells: canaries in every
place where credentials stand, and a search for them in every answer, stream and log.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.cli.serving import served
from tests.endtoend.waiting import eventually_all

import tidegate
from tidegate import tasks_v2
from tidegate.schema.operator import RenderRequestRequest

QUEUE = "projects/p/locations/l/queues/q"
TASK = f"{QUEUE}/tasks/t"
DEAD = f"{QUEUE}/tasks/dead"
CANARY = "canary-7f3a"
HEADERS = {
    "Authorization": f"Bearer {CANARY}",
    "Cookie": f"session={CANARY}",
    "Proxy-Authorization": CANARY,
    "X-Api-Key": CANARY,
    "X-Auth-Token": CANARY,
    "X-Client-Secret": CANARY,
    "X-Callback": f"https://user:{CANARY}@other.test/?token={CANARY}",
}


@dataclass
class Handler:
    """Fails, and says secrets in its headers. ``tokens`` are what attempts brought to prove who they are."""

    url: str = ""
    tokens: set[str] = field(default_factory=set)


@pytest.fixture
def handler() -> Iterator[Handler]:
    known = Handler()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            known.tokens.add(self.headers.get("Authorization", ""))
            self.send_response(500, "no")
            for name in ("Set-Cookie", "X-Auth-Token", "WWW-Authenticate-Token"):
                self.send_header(name, f"id={CANARY}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    known.url = f"http://u:{CANARY}@127.0.0.1:{server.server_port}/path?api_key={CANARY}&page=2#access_token={CANARY}"
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield known
    server.shutdown()
    server.server_close()
    serving.join()


def requests(handler: Handler) -> dict[str, tasks_v2.HttpRequest]:
    """One that brings credentials of its own, and one that is given a token."""
    token = tasks_v2.OidcToken(service_account_email="a@b.test")
    return {
        TASK: tasks_v2.HttpRequest(url=handler.url, headers=HEADERS, body=b"body"),
        DEAD: tasks_v2.HttpRequest(url=handler.url.replace(f"u:{CANARY}@", ""), oidc_token=token),
    }


def told(client: Any) -> dict[str, Any]:
    """All that the operator's API tells of attempts, requests, events and state."""
    operator = client.operator
    every: dict[str, Any] = {
        "attempts": list(operator.list_attempts(parent=QUEUE)),
        "replay": operator.replay_task(name=TASK),
        "groups": operator.group_dead_tasks(parent=QUEUE),
        "why": [operator.explain_task(name=name) for name in (TASK, DEAD)],
        "queue": [operator.explain_queue(name=QUEUE), operator.get_queue_status(name=f"{QUEUE}/status")],
        "dead": [_told_of(dead) for dead in operator.list_dead_tasks(parent=QUEUE)],
        "search": [
            _told_of(task) for task in operator.search_tasks(request={"parent": QUEUE, "response_view": "FULL"})
        ],
        "export": list(operator.export_state(request={"parent": "-", "include_dead": True, "include_policies": True})),
        "server": operator.get_server(),
    }
    every["attempt"] = [operator.get_attempt(name=each.name) for each in every["attempts"]]
    for shown in RenderRequestRequest.Format:
        for attempt in (0, 1):
            asked = {"name": TASK, "format": shown, "attempt": attempt}
            every[f"render {shown.name} {attempt}"] = operator.render_request(request=asked)
    events = operator.watch_events(request={"parent": "-", "replay_last": 1000})
    seen = every["events"] = []
    for event in events:
        seen.append(event)
        if event.kind.name == "TASK_DIED":
            break
    events.close()
    return every


def _told_of(shown: Any) -> dict[str, Any]:
    """All of a task or dead task but the request that its caller made, which stands there as in Cloud Tasks."""
    fields: dict[str, Any] = type(shown).to_dict(shown)
    fields.get("task", fields).pop("http_request")
    return fields


def test_no_answer_stream_or_log_has_a_credential(handler: Handler, tmp_path: Path) -> None:
    logs = tmp_path / "stderr", tmp_path / "operations"
    with (
        logs[0].open("w") as stderr,
        served(
            *("--dev", "--store", "sqlite://:memory:", "--operation-log", str(logs[1])),
            directory=tmp_path,
            stderr=stderr,
        ) as address,
        tidegate.connect(address) as client,
    ):
        queue = tasks_v2.Queue(
            name=QUEUE,
            retry_config=tasks_v2.RetryConfig(max_attempts=1),
            stackdriver_logging_config=tasks_v2.StackdriverLoggingConfig(sampling_ratio=1),
        )
        client.create_queue(parent=QUEUE.rpartition("/queues")[0], queue=queue)
        client.pause_queue(name=QUEUE)
        for name, request in requests(handler).items():
            client.create_task(parent=QUEUE, task=tasks_v2.Task(name=name, http_request=request))
        client.run_task(name=TASK)
        eventually_all("its attempt has ended", lambda: len(list(client.list_tasks(parent=QUEUE))) - 1)
        # It died of it; driven again it waits, with attempts to look at, while the other one dies.
        client.operator.redrive_dead_tasks(parent=QUEUE).result(timeout=60)
        client.run_task(name=DEAD)
        eventually_all("the other one has died", lambda: len(list(client.list_tasks(parent=QUEUE))) - 1)
        every = told(client)
    canaries = {CANARY, *(token.removeprefix("Bearer ") for token in handler.tokens if token)}
    assert len(canaries) == 2  # its own, and the token that was made for the other one
    for what, answer in every.items():
        text = str(answer)
        assert text, what
        assert [canary for canary in canaries if canary in text] == [], f"{what}: {text}"
    for log in logs:
        assert [canary for canary in canaries if canary in log.read_text()] == [], log.name
    assert {str(each.outcome.name) for each in every["attempts"]} == {"FAILED"}
    assert "***" in str(every["export"])
