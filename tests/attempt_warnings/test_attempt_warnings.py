"""Warnings of attempts that brought no answer: a line a minute for each queue, host and reason, and nothing secret."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from tests.core.examples import LOCATION, MINUTE, NOON, queue, task

from tidegate.attempt_warnings import NAMED_MAX, AttemptWarnings
from tidegate.core.lifecycle import Outcome
from tidegate.core.names import QueueName
from tidegate.core.queue import AppEngineRouting, HttpTarget, Queue, UriOverride
from tidegate.core.task import AppEngineRequest, HttpRequest, PullMessage, Target
from tidegate.engine.ports.events import AttemptEnded, AttemptStarted, QueueChanged

URL = "https://user:password@handler.test:8443/work/secret?key=secret#secret"
QUEUE = queue()
Q = f"{LOCATION}/queues/q"
UNTRUSTED = "TLS certificate not accepted"


class Log:
    """The lines so far, and the clock that they are told by."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self.seconds = 0.0
        self._caplog = caplog
        self._warnings = AttemptWarnings(lambda: self.seconds, {"worker": "http://127.0.0.1:9000/base"})

    def fails(self, reason: str = UNTRUSTED, url: str = URL, queue: Queue = QUEUE, **outcome: Any) -> None:
        """An attempt ends without an answer."""
        self.ends(Outcome(reason=reason, **outcome), HttpRequest(url, headers={"X-Key": "secret"}), queue)

    def ends(self, outcome: Outcome, target: Target, queue: Queue = QUEUE) -> None:
        self._warnings.emit(AttemptEnded(queue, task(target=target, body=b"secret"), outcome, None, MINUTE, NOON))

    def hears(self, event: Any) -> None:
        self._warnings.emit(event)

    def lines(self) -> list[str]:
        """The warnings since this was asked last."""
        assert {record.levelname for record in self._caplog.records} <= {"WARNING"}
        said = [record.getMessage() for record in self._caplog.records]
        self._caplog.clear()
        return said


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[Log]:
    with caplog.at_level(logging.WARNING, "tidegate.attempts"):
        yield Log(caplog)


def test_the_first_failure_of_a_kind_is_told_with_queue_host_and_reason(log: Log) -> None:
    log.fails()
    assert log.lines() == [f"an attempt to handler.test:8443 of a task in {Q} failed: {UNTRUSTED}"]


def test_the_same_is_told_again_after_a_minute_with_the_number_of_those_between(log: Log) -> None:
    log.fails()
    log.lines()
    for second in (0.0, 1.0, 59.999):
        log.seconds = second
        log.fails()
    assert log.lines() == []
    log.seconds = 60.0
    log.fails()
    assert log.lines() == [
        f"an attempt to handler.test:8443 of a task in {Q} failed: {UNTRUSTED}"
        " (and 3 more since the last line like this)"
    ]
    log.seconds = 3600.0
    log.fails()
    assert log.lines() == [f"an attempt to handler.test:8443 of a task in {Q} failed: {UNTRUSTED}"]


def test_another_reason_host_or_queue_has_a_line_of_its_own(log: Log) -> None:
    log.fails()
    log.fails("host not found")
    log.fails(url="http://other.test/")
    log.fails(queue=queue(name=QueueName(f"{LOCATION}/queues/r")))
    log.fails()
    assert len(log.lines()) == 4


@pytest.mark.parametrize(
    "outcome",
    [
        {"reason": "no whole answer within the deadline", "timed_out": True},
        {"reason": "address not allowed by the egress rules", "forbidden": True},
        {"reason": "no token: the token source did not answer in time"},
    ],
)
def test_every_way_to_have_no_answer_is_told(log: Log, outcome: dict[str, Any]) -> None:
    log.fails(**outcome)
    (line,) = log.lines()
    assert line.endswith(f" failed: {outcome['reason']}")


def test_an_answer_needs_no_line_for_the_api_shows_it(log: Log) -> None:
    for status in (200, 302, 404, 429, 500, 503):
        log.ends(Outcome(status), HttpRequest(URL))
    log.hears(AttemptStarted(queue(), task(), NOON))
    log.hears(QueueChanged(QueueName(Q), "updated"))
    assert log.lines() == []


@pytest.mark.parametrize(
    ("target", "where", "host"),
    [
        (HttpRequest("https://handler.test/a"), queue(), " to handler.test"),
        (HttpRequest("http://[::1]:80/a"), queue(), " to [::1]:80"),
        (HttpRequest("https://täsk.test/a b"), queue(), " to xn--tsk-qla.test"),
        (HttpRequest(URL), queue(http_target=HttpTarget(UriOverride(host="routed.test", port=0))), " to routed.test"),
        (HttpRequest("https://evil\nhost/%zz"), queue(), ""),
        (AppEngineRequest(relative_uri="/secret"), queue(), " to p.appspot.com"),
        (AppEngineRequest(routing=AppEngineRouting("worker")), queue(), " to 127.0.0.1:9000"),
        (AppEngineRequest(), queue(app_engine_routing=AppEngineRouting("worker")), " to 127.0.0.1:9000"),
        (PullMessage(), queue(), ""),
    ],
)
def test_the_host_is_the_one_that_was_called(log: Log, target: Target, where: Queue, host: str) -> None:
    log.ends(Outcome(reason="connection refused"), target, where)
    assert log.lines() == [f"an attempt{host} of a task in {Q} failed: connection refused"]


def test_whoever_invents_hosts_cannot_fill_the_log_nor_the_memory(log: Log) -> None:
    for number in range(NAMED_MAX + 50):
        log.fails(url=f"http://h{number}.test/")
    said = log.lines()
    assert len(said) == NAMED_MAX + 1
    assert said[-1] == f"attempts fail in more than {NAMED_MAX} ways a minute; further ones are not listed"
    log.seconds = 60.0
    log.fails(url="http://new.test/")
    assert log.lines() == [f"an attempt to new.test of a task in {Q} failed: {UNTRUSTED}"]
    assert len(log._warnings._lines) <= NAMED_MAX
