"""Google's own client against the whole server: thousands of tasks, to handlers that work, fail, hang and hang up."""

from __future__ import annotations

import base64
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from tests.endtoend.calls import create_queue, get_task, queue_name
from tests.endtoend.client import CallError, GoogleClient, micros, rfc3339
from tests.endtoend.dispatch_rules import SECOND, Retries, expected_headers
from tests.endtoend.handler import Arrival, Handler, wall
from tests.endtoend.waiting import eventually_all

TASKS = 5000
CALLS_UNDER_WAY = 250
DEADLINE = 15  # seconds; the shortest dispatch deadline there is
SLEW = 2 * 0.0005  # how much two clocks of one machine may drift apart in a second while one is being corrected

QUEUES = {
    "plain-0": Retries(),
    "plain-1": Retries(),
    "plain-2": Retries(),
    "busy": Retries(),  # apart: a 503 slows its whole queue down
    "patient": Retries(min_backoff=0.2, max_backoff=1, max_doublings=1),
    "hopeless": Retries(min_backoff=0.05, max_backoff=0.1, max_attempts=3),
}
FICKLE = ["500,200", "404,200", "500,404,200", "301,400,200", "reset,200", "404,reset~1100,500,200"]
DROPPED = {"Host": "elsewhere", "X-Google-Secret": "1", "x-appengine-taskname": "forged", "Via": "1.1 nobody"}
REPLACED = {"User-Agent": "mine", "X-CloudTasks-TaskName": "forged", "X-CloudTasks-TaskRetryCount": "7"}


@dataclass
class Sent:
    """A task that the client created."""

    queue: str
    script: str
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: int | None = None
    named: str = ""
    task: str = ""
    schedule_time: int = 0

    def request(self, handler: Handler) -> dict[str, Any]:
        http: dict[str, Any] = {"url": handler.url(self.script, "/work?n=1&empty="), "http_method": self.method}
        http["headers"] = {**self.headers, **DROPPED, **REPLACED}
        if self.body:
            http["body"] = base64.b64encode(self.body).decode()
        task: dict[str, Any] = {"http_request": http}
        if self.delay is not None:
            task["schedule_time"] = rfc3339(wall() + self.delay)
        if self.named:
            task["name"] = f"{queue_name(self.queue)}/tasks/{self.named}"
        if "hang" in self.script:
            task["dispatch_deadline"] = f"{DEADLINE}s"
        return {"parent": queue_name(self.queue), "task": task}


@dataclass
class Scene:
    """What was sent, and the handler that got it."""

    handler: Handler
    sent: list[Sent]

    def arrivals(self, sent: Sent) -> list[Arrival]:
        return self.handler.arrivals(sent.queue, sent.task)

    def retried(self) -> list[tuple[Sent, list[Arrival]]]:
        return [(each, arrivals) for each in self.sent if len(arrivals := self.arrivals(each)) > 1]


def drawn(dice: random.Random) -> list[Sent]:
    """The tasks, in the order of their creation; those that hang first, for theirs is the longest way.

    No queue gets so many 5xx answers that it would slow down for long.
    """
    hanging = [Sent("patient", "hang,200") for _ in range(4)]
    busy = [Sent("busy", "503,200") for _ in range(6)]
    hopeless = [Sent("hopeless", dice.choice(["404"] * 6 + ["500", "reset"])) for _ in range(60)]
    patient = [Sent("patient", "500,404,404,500,404,200") for _ in range(60)]
    fickle = [Sent(f"plain-{dice.randrange(3)}", dice.choice(FICKLE)) for _ in range(300)]
    easy = [Sent(f"plain-{dice.randrange(3)}", "200") for _ in range(TASKS - 430)]
    mixed = hopeless + patient + fickle + easy
    dice.shuffle(mixed)
    for number, each in enumerate(mixed):
        each.method = dice.choice(["POST", "POST", "PUT", "PATCH", "GET", "DELETE", "HEAD", "OPTIONS"])
        if each.method in {"POST", "PUT", "PATCH"} and dice.random() < 0.7:
            each.body = dice.randbytes(dice.choice([1, 10, 300, 3000]))
        if dice.random() < 0.5:
            each.headers = {"X-Number": str(number), "Content-Type": "application/json", "Authorization": "Basic me"}
        if dice.random() < 0.3:
            each.delay = dice.randrange(10 * SECOND)
        if dice.random() < 0.4:
            each.named = f"task-{dice.getrandbits(64):x}_{number}"
    return hanging + busy + mixed


@pytest.fixture(scope="module")
def scene(handler: Handler, client: GoogleClient) -> Scene:
    for queue, retries in QUEUES.items():
        create_queue(client, queue, retries)
    sent = drawn(random.Random(2026))
    for start in range(0, TASKS, CALLS_UNDER_WAY):
        batch = sent[start : start + CALLS_UNDER_WAY]
        futures = [client.submit("create_task", **each.request(handler)) for each in batch]
        for each, future in zip(batch, futures, strict=True):
            reply = future.result()
            assert reply.code == "OK", reply
            each.task = reply.answer["name"].rsplit("/", 1)[1]
            each.schedule_time = micros(reply.answer["schedule_time"])
    scene = Scene(handler, sent)

    def unfinished() -> int:
        listed = [client.submit("list_tasks", parent=queue_name(queue), page_size=1000) for queue in QUEUES]
        return sum(len(future.result().answer) for future in listed)

    eventually_all("every queue is empty", unfinished)
    return scene


def test_every_task_arrives(scene: Scene) -> None:
    missing = [each for each in scene.sent if not scene.arrivals(each)]
    assert missing == []
    assert len({(each.queue, each.task) for each in scene.sent}) == TASKS
    assert len(scene.handler.all_arrivals()) >= TASKS


def test_every_task_that_can_succeed_does_so_once(scene: Scene) -> None:
    answers = {
        (each.queue, each.task): Counter(arrival.status for arrival in scene.arrivals(each))[200]
        for each in scene.sent
        if each.queue != "hopeless"
    }
    assert set(answers.values()) == {1}


def test_each_arrives_as_often_as_its_handler_makes_it(scene: Scene) -> None:
    for each in scene.sent:
        steps = [arrival.step for arrival in scene.arrivals(each)]
        if each.queue == "hopeless":
            continue
        assert steps == each.script.split(","), each


def test_attempts_are_numbered_one_by_one(scene: Scene) -> None:
    for each in scene.sent:
        attempts = [arrival.attempt for arrival in scene.arrivals(each)]
        if "reset" not in each.script:  # a connection broken off at once may be tried anew within the attempt
            assert attempts == list(range(len(attempts))), each


def test_a_task_given_up_stops_at_max_attempts(scene: Scene) -> None:
    hopeless = [each for each in scene.sent if each.queue == "hopeless"]
    attempts = {each.task: [arrival.attempt for arrival in scene.arrivals(each)] for each in hopeless}
    assert len(attempts) == 60
    assert all(sorted(set(numbers)) == [0, 1, 2] for numbers in attempts.values())
    assert all(
        len(attempts[each.task]) == QUEUES["hopeless"].max_attempts for each in hopeless if each.script != "reset"
    )


def test_nothing_arrives_early(scene: Scene) -> None:
    for each in scene.sent:
        arrivals = scene.arrivals(each)
        assert arrivals[0].eta == each.schedule_time
        assert [arrival.wall - arrival.eta for arrival in arrivals if arrival.wall < arrival.eta] == []
    ahead = [each for each in scene.sent if each.delay is not None]
    assert len(ahead) > 1000


def test_retries_wait_at_least_as_long_as_the_formula_says(scene: Scene) -> None:
    for each, arrivals in scene.retried():
        retries = QUEUES[each.queue]
        for earlier, later in pairwise(arrivals):
            if earlier.attempt == later.attempt:
                continue  # the connection was broken off at once: tried anew within the attempt
            wait = retries.wait(later.attempt)
            if earlier.ended is None:  # it hung: the attempt ended with its deadline, counted from its start
                assert earlier.closed
                assert later.eta >= earlier.eta + wait + int(DEADLINE * (1 - SLEW) * SECOND)
            else:
                assert later.eta >= earlier.ended + wait
            assert later.wall >= later.eta


def test_every_attempt_has_exactly_the_documented_headers(scene: Scene) -> None:
    host = f"127.0.0.1:{scene.handler.port}"
    for each in scene.sent:
        arrivals = scene.arrivals(each)
        attempts: list[Arrival] = []
        for arrival in arrivals:
            if attempts and attempts[-1].attempt == arrival.attempt:
                attempts.pop()
            due = each.schedule_time if not attempts else arrival.eta
            expected = expected_headers(arrival, attempts, due, host, each.headers)
            assert sorted((name.lower(), value) for name, value in arrival.headers) == sorted(expected.items())
            attempts.append(arrival)


def test_method_path_and_body_arrive_as_they_were_sent(scene: Scene) -> None:
    for each in scene.sent:
        for arrival in scene.arrivals(each):
            assert (arrival.method, arrival.body) == (each.method, each.body)
            assert arrival.path == f"/{each.script}/work?n=1&empty="


def test_finished_tasks_are_remembered_by_name(scene: Scene, client: GoogleClient) -> None:
    named = next(each for each in scene.sent if each.named)
    with pytest.raises(CallError, match="existed too recently"):
        client.call("create_task", **named.request(scene.handler))
    with pytest.raises(CallError, match="though a task with this name existed recently") as gone:
        get_task(client, named.queue, named.task)
    assert gone.value.code == "NOT_FOUND"
    assert scene.handler.arrived(named.queue, named.task) == len(named.script.split(","))
