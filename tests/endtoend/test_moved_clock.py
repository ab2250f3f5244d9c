"""A server whose clock is moved: the handler sees what is due by then, tokens verify, and a restart goes not back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.auth.transport.requests import Request
from google.oauth2 import id_token
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually

LOCATION = "projects/p/locations/us-central1"
QUEUE = f"{LOCATION}/queues/q"


class Rest:
    """The server's REST, as a script would use it."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def post(self, path: str, **body: Any) -> Any:
        return self._said(httpx.post(f"http://{self.server.address}/{path}", json=body, timeout=70))

    def get(self, path: str) -> Any:
        return self._said(httpx.get(f"http://{self.server.address}/{path}", timeout=70))

    def clock(self) -> datetime:
        return datetime.fromisoformat(self.get("operator/v1/clock")["now"])

    def create(self, task: str, url: str, ahead: timedelta, **http: Any) -> None:
        at = (self.clock() + ahead).isoformat().replace("+00:00", "Z")
        task_name = f"{QUEUE}/tasks/{task}"
        self.post(
            f"v2/{QUEUE}/tasks", task={"name": task_name, "scheduleTime": at, "httpRequest": {"url": url, **http}}
        )

    def _said(self, answer: httpx.Response) -> Any:
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def dev(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, "--dev", "--queue", QUEUE) as server:
        yield server


def test_an_hour_passes_in_a_moment(dev: Server, handler: Handler) -> None:
    rest = Rest(dev.start())
    oidc = {"serviceAccountEmail": "robot@p.iam.gserviceaccount.com", "audience": "https://me.test"}
    rest.create("in-59-minutes", handler.url("200"), timedelta(minutes=59), oidcToken=oidc)
    rest.create("in-61-minutes", handler.url("200"), timedelta(minutes=61))
    moved = rest.post("operator/v1/clock:advance", duration="3600s")
    assert moved["offset"].startswith("3600")
    eventually("it arrives", lambda: handler.delivered("q", "in-59-minutes"))
    assert handler.arrived("q", "in-61-minutes") == 0
    # A handler verifies the token by its own clock, which nobody moved.
    (arrival,) = handler.arrivals("q", "in-59-minutes")
    token = (arrival.header("Authorization") or "").removeprefix("Bearer ")
    keys = rest.get(".well-known/openid-configuration")["jwks_uri"]
    claims = id_token.verify_token(token, Request(), "https://me.test", certs_url=keys)
    assert abs(claims["iat"] - datetime.now(UTC).timestamp()) < 600
    done = rest.post("operator/v1/clock:runUntilIdle", parents=[QUEUE])
    assert (done["idle"], done["attempts"]) == (True, "1")
    assert handler.delivered("q", "in-61-minutes")
    assert dev.complaints() == []


def test_a_restart_takes_nobody_back_in_time(dev: Server, handler: Handler) -> None:
    rest = Rest(dev.start())
    rest.post("operator/v1/clock:advance", duration="360000s")
    rest.post("operator/v1/clock:freeze")
    before = rest.clock()
    rest.create("soon", handler.url("200"), timedelta(minutes=5))
    dev.kill()
    dev.start()
    assert rest.clock() == before
    assert rest.get("operator/v1/clock")["frozen"]
    rest.post("operator/v1/clock:advance", duration="300s")
    eventually("it arrives", lambda: handler.delivered("q", "soon"))
    assert dev.stop() == 0
    dev.flags = ()
    dev.start()
    assert abs((rest.clock() - datetime.now(UTC)).total_seconds()) < 600
    refused = httpx.post(f"http://{dev.address}/operator/v1/clock:advance", json={"duration": "1s"})
    assert refused.json()["error"]["status"] == "FAILED_PRECONDITION"
    assert "the clock of this store was moved" in dev.output()
    assert dev.complaints() == []


def test_an_attempt_under_way_is_not_cut(dev: Server, handler: Handler) -> None:
    rest = Rest(dev.start())
    rest.create("slow", handler.url("200~told"), timedelta())
    eventually("it arrives", lambda: handler.arrived("q", "slow") == 1)
    rest.post("operator/v1/clock:advance", duration="864000s")
    handler.tell("q", "slow")
    eventually("it is answered", lambda: handler.delivered("q", "slow"))
    done = rest.post("operator/v1/clock:runUntilIdle", parents=[QUEUE])
    assert done == {"idle": True, "advanced": "0s"}
    assert not handler.arrivals("q", "slow")[0].closed
