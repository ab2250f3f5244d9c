"""SIGTERM under load: every attempt ends and is noted, the process leaves with 0, the next one goes on."""

from __future__ import annotations

from pathlib import Path

from tests.crash.load import QUEUES, Load, create_queues
from tests.endtoend.calls import create_queue, create_task, is_gone
from tests.endtoend.client import GoogleClient
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually, eventually_all
from tests.kit.ledger import Ledger
from tests.kit.lives import start

STOPS = 3


def test_stopped_under_load_it_repeats_nothing_and_forgets_nothing(
    server: Server, client: GoogleClient, handler: Handler
) -> None:
    create_queues(client)
    with Load(client, handler, seed=3).running() as ledger:
        for _ in range(STOPS):
            wait_for_tasks(ledger, 200)
            assert server.stop() == 0
            handler.next_life()
            start(server, client)
    eventually_all("every acknowledged task is delivered", lambda: len(ledger.awaited()))

    assert ledger.repeated() == []
    assert ledger.misnumbered() == []
    assert ledger.early() == []
    assert ledger.returned(server.started_at) == []
    for known in ledger.tasks:
        arrivals = ledger.arrivals(known)
        assert all(arrival.ended is not None for arrival in arrivals), "an attempt was cut off"
        steps = known.script.split(",")
        assert [arrival.step for arrival in arrivals] == steps[: len(arrivals)]
        assert [arrival.attempt for arrival in arrivals] == list(range(len(arrivals)))
    answered = [known for known in ledger.tasks if known.queue in QUEUES and ledger.delivered(known)]
    eventually_all(
        "what was answered is over", lambda: not all(is_gone(client, k.queue, k.task) for k in answered[-50:])
    )


def wait_for_tasks(ledger: Ledger, more: int) -> None:
    enough = len(ledger.tasks) + more
    eventually("the load goes on", lambda: len(ledger.tasks) >= enough)


def test_the_last_answers_before_the_end_are_noted(server: Server, client: GoogleClient, handler: Handler) -> None:
    create_queue(client, "last")
    good = [create_task(client, "last", handler.url("200~told")) for _ in range(10)]
    bad = [create_task(client, "last", handler.url("404~told")) for _ in range(10)]
    eventually("all are under way", lambda: all(handler.arrived("last", task) for task in good + bad))
    server.ask_to_stop()
    eventually("it stops", lambda: not server.ready())
    later = create_task(client, "last", handler.url("200"))  # calls are still answered while attempts end
    for task in good + bad:
        handler.tell("last", task)
    assert server.wait() == 0
    handler.next_life()
    assert handler.arrived("last", later) == 0  # but nothing new is begun

    start(server, client)
    assert all(is_gone(client, "last", task) for task in good)
    assert [handler.arrived("last", task) for task in good] == [1] * 10
    eventually("the others are tried again", lambda: all(handler.arrived("last", task) > 1 for task in bad))
    for task in bad:
        _, second, *_ = handler.arrivals("last", task)
        assert (second.attempt, second.header("X-CloudTasks-TaskPreviousResponse")) == (1, "404")
    eventually("the task made during the stop arrives", lambda: handler.delivered("last", later))


def test_an_attempt_that_outlasts_the_drain_is_made_again(tmp_path: Path, handler: Handler) -> None:
    with Server(tmp_path, "--drain", "1s") as server:
        server.start()
        with GoogleClient(server.address) as client:
            create_queue(client, "long")
            task = create_task(client, "long", handler.url("hang,200"))
        eventually("it is under way", lambda: handler.arrived("long", task) == 1)
        assert server.stop() == 0
        handler.next_life()
        server.start()
        eventually("it is made again", lambda: handler.delivered("long", task))
        assert [arrival.closed for arrival in handler.arrivals("long", task)] == [True, False]
