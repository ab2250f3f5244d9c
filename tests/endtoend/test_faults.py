"""Faults from end to end: what the handler sees, what the task counts, and what its attempts say."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server
from tests.endtoend.test_moved_clock import QUEUE, Rest
from tests.endtoend.waiting import eventually


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    directory: Path = tmp_path_factory.mktemp("dev")
    with Server(directory, "--dev", "--queue", QUEUE) as server:
        yield server.start()
        assert server.complaints() == []


def fault(rest: Rest, fault_id: str, **effect: Any) -> None:
    match = {"taskPrefix": fault_id, "attemptTo": 1}
    rest.post(f"operator/v1/{QUEUE}/faults?faultId={fault_id}", match=match, **effect)


def hits(rest: Rest, fault_id: str) -> int:
    return int(rest.get(f"operator/v1/{QUEUE}/faults/{fault_id}").get("hitCount", 0))


def test_every_call_of_a_duplicated_task_comes_twice_and_counts_as_one_attempt(dev: Server, handler: Handler) -> None:
    rest = Rest(dev)
    fault(rest, "twice", duplicate={})
    rest.create("twice", handler.url("200"), timedelta())
    eventually("both arrive", lambda: handler.arrived("q", "twice") == 2)
    assert [arrival.attempt for arrival in handler.arrivals("q", "twice")] == [0, 0]
    eventually("it is counted", lambda: hits(rest, "twice") == 1)
    assert rest.post("operator/v1/clock:runUntilIdle", parents=[QUEUE])["idle"]
    assert handler.arrived("q", "twice") == 2


def test_a_task_whose_response_is_dropped_is_tried_again_and_its_attempt_says_why(
    dev: Server, handler: Handler
) -> None:
    rest = Rest(dev)
    fault(rest, "dropped", dropResponse={})
    rest.create("dropped", handler.url("200"), timedelta())
    eventually("it is tried again", lambda: handler.arrived("q", "dropped") == 2)
    assert [arrival.attempt for arrival in handler.arrivals("q", "dropped")] == [0, 1]
    kept = rest.get(f"operator/v1/{QUEUE}/attempts")["attempts"]
    first = next(each for each in kept if each["name"] == f"{QUEUE}/tasks/dropped/attempts/1")
    assert (first["outcome"], first["fault"]) == ("TIMED_OUT", "dropped")


def test_a_refused_task_never_reaches_its_handler(dev: Server, handler: Handler) -> None:
    rest = Rest(dev)
    fault(rest, "refused", refuse={})
    rest.create("refused", handler.url("200"), timedelta())
    eventually("it is tried again", lambda: handler.delivered("q", "refused"))
    assert [arrival.attempt for arrival in handler.arrivals("q", "refused")] == [1]
