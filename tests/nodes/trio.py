"""Three nodes on one database, each a process of its own, and the history of what was done to them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server
from tests.endtoend.waiting import eventually_all
from tests.invariants.checker import violations
from tests.invariants.history import Crashed, Entry, History, Note, Replied, Requested, Settled, story
from tests.kit.postgres_server import PostgresServer
from tests.nodes.callers import LOCATION, Callers
from tests.nodes.clocks import faked
from tests.nodes.relay import Relay

NODES = 3
SLACK = 0.25
"""Seconds by which attempts may seem too early or too fast: how long requests are on their way on a busy machine."""


class Node(Server):
    """``Server`` on a database."""

    def __init__(self, directory: Path, url: str, clock: str = "") -> None:
        """``clock`` is how far its wall clock is off, in the words of libfaketime: ``+5m``."""
        directory.mkdir()
        super().__init__(directory)
        self.url = url
        self._clock = clock
        self.open = False
        """Whether callers may use it."""

    def command(self) -> list[str]:
        command = super().command()
        command[command.index("--store") + 1] = self.url
        return [*faked(self._clock), *command] if self._clock else command

    def __enter__(self) -> Node:
        return self

    def wait_ready(self) -> None:
        super().wait_ready()
        self.open = True

    def ask_to_stop(self) -> None:
        self.open = False
        super().ask_to_stop()

    def kill(self) -> None:
        self.open = False
        super().kill()

    def freeze(self) -> None:
        """SIGSTOP; callers may not know of it."""
        os.kill(self.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)


class Trio:
    """Nodes, callers, a handler. ``trouble`` is noted: attempts that it may have cut off may come again."""

    def __init__(
        self, nodes: list[Node], database: PostgresServer, relays: list[Relay], handler: Handler, seed: int
    ) -> None:
        self.nodes = nodes
        self.database = database
        self.relays = relays
        self.handler = handler
        self.callers = Callers(self._ports, handler, [f"q{number}" for number in range(4)], seed)
        self.notes: list[Entry] = []
        self.schema = "tidegate"
        self.doubtful: list[tuple[float, float]] = []
        """When a node made attempts, and the database did not hear how they ended."""

    def _ports(self) -> list[int]:
        return [node.port for node in self.nodes if node.open]

    def sql(self, statement: str) -> None:
        """What an administrator does to the nodes' schema; again, where it met a deadlock with them."""
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            connection.execute(f"SET search_path = {self.schema}".encode())
            while True:
                with contextlib.suppress(psycopg.errors.DeadlockDetected):
                    connection.execute(statement.encode())
                    return

    def note(self, text: str) -> None:
        self.notes.append(Note(time.monotonic(), text))

    def broken(self, text: str) -> None:
        """From here on attempts that were under way may come again."""
        self.note(text)
        self.notes.append(Crashed(time.monotonic()))

    def kill(self, node: Node) -> None:
        node.kill()
        self.broken(f"the node on port {node.port} is killed")

    def settle(self) -> History:
        """Wait until everything is delivered, and check all that happened."""
        left: dict[str, frozenset[str]] = {}

        def waiting() -> int:
            for queue in self.callers.queues:
                reply = self.callers._reply("GET", f"/v2/{LOCATION}/queues/{queue}/tasks?pageSize=1000", None)
                found = reply.answer.get("tasks", []) if reply.code == "OK" else [{"name": "/unknown"}]
                left[queue] = frozenset(f"{queue}/{task['name'].rsplit('/', 1)[1]}" for task in found)
            return sum(map(len, left.values()))

        eventually_all("every task is delivered", waiting)
        return self._history(left)

    def _history(self, left: dict[str, frozenset[str]]) -> History:
        entries: list[Entry] = [*self.callers.entries, *self.notes]
        number = 0
        for (queue, task), arrivals in self.handler.all_arrivals().items():
            for arrival in arrivals:
                number += 1
                at, name = arrival.at, f"{queue}/{task}"
                entries.append(Requested(at, number, queue, name, arrival.attempt + 1, at - SLACK, at))
                if arrival.ended is not None:
                    took = (arrival.ended - arrival.wall) / 1e6
                    entries.append(Replied(at + took, number, arrival.status or 0))
        entries.sort(key=lambda entry: entry.at)
        entries.append(Settled(time.monotonic(), left))
        # A task that was deleted while it was on its way to its handler still arrives.
        return History(entries, slack=SLACK, throttling=False)

    def _doubts(self, task: str) -> bool:
        """Whether an attempt of the task ended while the database may not have heard of it."""
        queue, _, name = task.partition("/")
        ends = [arrival.at for arrival in self.handler.all_arrivals()[queue, name]]
        return any(since <= at <= until for at in ends for since, until in self.doubtful)

    def check(self) -> History:
        history = self.settle()
        broken = [each for each in violations(history) if each.promise != "repeated" or not self._doubts(each.about)]
        assert not broken, f"{broken[0]}\n{story(history, broken[0].about)}\n({len(broken)} in all)"
        return history


@contextmanager
def trio(
    place: Path,
    database: PostgresServer,
    url: str,
    seed: int = 1,
    schema: str = "tidegate",
    clocks: Sequence[str] = ("",) * NODES,
) -> Iterator[Trio]:
    """Three nodes that run, with their queues, in a schema of a database, each with a wall clock of its own."""
    url += f"{'&' if '?' in url else '?'}schema={schema}"
    with ExitStack() as stack:
        handler = stack.enter_context(Handler())
        relays = [stack.enter_context(Relay(database.port, seed + number)) for number in range(NODES)]
        ways = [url.replace(f":{database.port}", f":{relay.port}") for relay in relays]
        nodes = [
            stack.enter_context(Node(place / f"node-{number}", way, clock))
            for number, (way, clock) in enumerate(zip(ways, clocks, strict=True))
        ]
        for node in nodes:
            node.spawn()
        for node in nodes:
            node.wait_ready()
        three = Trio(nodes, database, relays, handler, seed)
        three.schema = schema
        three.callers.set_up()
        time.sleep(SLACK)  # else attempts seem to begin before their queue is there
        yield three
        for node in nodes:
            node.kill()
