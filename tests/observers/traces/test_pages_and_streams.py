"""Spans of what is neither a plain call nor an attempt: pages of the console, and streams; and what they create."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
from tests.endtoend.waiting import eventually
from tests.observers.traces.receiver import Received, over_http
from tests.observers.traces.test_end_to_end import CALLER, CREATE, QUEUE, SERVER, create, handling, traced

import tidegate
from tidegate.console.route_names import route_of
from tidegate.schema.operator import Operator

PARENT = f"00-{CALLER}-00f067aa0ba902b7-01"
OURS = {"Sec-Fetch-Site": "same-origin", "traceparent": PARENT}
WATCH = "/operator/v1/-/events:watch"
EVENTS = "GET /operator/v1/{parent=*}/events:watch"


def test_a_task_made_on_a_page_is_traced_from_the_page_and_streams_have_spans_that_end_with_them(
    tmp_path: Path,
) -> None:
    with over_http() as spans, handling() as handler, traced(spans, tmp_path) as address:
        with httpx.Client(base_url=f"http://{address}/console/", timeout=60) as browser:
            form = browser.get(f"{QUEUE}/create-task").text
            token = re.findall(r'name="token" value="([^"]+)"', form)[0]
            sent = browser.post(f"{QUEUE}/create-task", data={"url": handler.url, "token": token}, headers=OURS)
            assert sent.status_code == 303
            assert browser.get(f"{QUEUE}x").status_code == 404
            (made,) = spans.wait_for("POST /console/")
            (attempt,) = spans.wait_for("dispatch")
            (missing,) = [page for page in spans.wait_for("GET /console/", 2) if "{queue}x" not in page.name][1:]

            def stream_span(part: str) -> Received:
                return spans.wait_for(part)[-1]

            watched = browser.head(f"http://{address}{WATCH}", headers={"traceparent": PARENT})  # which ends at once
            assert watched.status_code == 200
            rest = stream_span("events:watch")
            refused = httpx.get(f"http://{address}{WATCH}?filter=(", headers={"traceparent": PARENT}, timeout=60)
            assert refused.status_code == 400
        with grpc.insecure_channel(address) as channel:
            row = Operator.watch_events
            call: Any = channel.unary_stream(
                row.grpc_path, lambda sent: sent.SerializeToString(), row.response_pb.FromString
            )
            responses = call(row.request_pb(parent="-", replay_last=5), timeout=1, metadata=[("traceparent", PARENT)])
            with pytest.raises(grpc.RpcError, match="DEADLINE_EXCEEDED"):
                list(responses)
        over_grpc = stream_span("Operator/WatchEvents")
        eventually("both calls over REST have spans", lambda: len(spans.named("events:watch")) == 2)
        wrong = spans.named("events:watch")[-1]
    assert made.name == "POST /console/{queue}/create-task"
    assert (made.kind, made.trace, made.parent) == (SERVER, CALLER, "00f067aa0ba902b7")
    assert (made.fields["http.response.status_code"], made.failed) == (303, False)
    assert (attempt.trace, attempt.parent, attempt.links) == (CALLER, made.id, [(CALLER, made.id)])
    assert missing.fields["http.response.status_code"] == 404
    for stream in (rest, over_grpc):
        assert (stream.kind, stream.trace, stream.parent) == (SERVER, CALLER, "00f067aa0ba902b7")
        assert stream.fields["error.type"] == "CANCELLED"  # by whoever watched, and did not wait any longer
        assert not stream.failed
    assert wrong.fields["http.response.status_code"] == 400
    assert over_grpc.fields["rpc.method"] == "WatchEvents"
    assert not any(CALLER in str(span.fields) for span in spans.all)


def test_a_task_from_the_shelf_and_one_from_another_server_go_on_with_their_trace(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    with over_http() as spans, handling(1) as handler:
        with traced(spans, here) as address:
            with tidegate.connect(address) as client:
                client.update_queue(queue={"name": QUEUE, "retry_config": {"max_attempts": 1}})
            create(address, tidegate.http_task(handler.url), parent=PARENT)
            (call,) = spans.wait_for(CREATE)
            (failed,) = spans.wait_for("dispatch")
            root = f"http://{address}/operator/v1/{QUEUE}"
            dead = f"{root}/deadTasks"
            eventually("it lies on the shelf", lambda: "deadTasks" in httpx.get(dead, timeout=60).json())
            export = httpx.get(
                f"http://{address}/operator/v1/-/state:export?includeDead=true",
                headers={"Accept": "application/x-ndjson"},
                timeout=60,
            ).text.splitlines()
            assert httpx.post(f"{dead}:redrive", json={}, timeout=60).status_code == 200
            (again,) = spans.wait_for("dispatch", 2)[1:]
        records = ",".join(line for line in export if line != "{}")
        with traced(spans, there) as address:
            got = httpx.post(
                f"http://{address}/operator/v1/-/state:import",
                content=f'{{"records": [{records}], "onConflict": "REPLACE"}}',
                timeout=60,
            )
            assert got.json()["imported"] == "2" or got.json()["imported"] == 2, got.text
            dead = f"http://{address}/operator/v1/{QUEUE}/deadTasks"
            assert httpx.post(f"{dead}:redrive", json={}, timeout=60).status_code == 200
            (elsewhere,) = spans.wait_for("dispatch", 3)[2:]
    for attempt in (failed, again, elsewhere):
        assert (attempt.trace, attempt.parent, attempt.links) == (CALLER, call.id, [(CALLER, call.id)])


def test_pages_that_differ_in_names_only_have_one_route() -> None:
    assert route_of("GET", f"/console/{QUEUE}") == "/console/{queue}"
    assert route_of("GET", f"/console/{QUEUE}/tasks/a-1/body") == "/console/{task}/body"
    assert route_of("POST", f"/console/{QUEUE}/pause") == "/console/{queue}/pause"
    assert route_of("GET", "/console/queues/new") == "/console/queues/new"
    assert route_of("GET", "/console/whatever/somebody/types") == "/console/"
    assert route_of("GET", "/console/live") is None
    assert route_of("GET", "/console/static/app.css") is None
