"""Three nodes whose database has a standby: it takes the primary's place, or is lost. In the long form only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from tests.endtoend.waiting import eventually
from tests.invariants.checker import violations
from tests.invariants.history import Answered, Called, History, Replied, Requested
from tests.kit.figures import note
from tests.kit.postgres_server import PostgresServer, postgres_place, postgres_server
from tests.nodes.outcomes import gap, twice
from tests.nodes.test_failures import SECONDS, THREADS, WHOLE
from tests.nodes.trio import Trio, trio
from tests.nodes.troubles import end_all_connections

pytestmark = [pytest.mark.timeout(240), pytest.mark.skipif(not WHOLE, reason="a part of the long form: make nodes")]

RECENT = 1.0
"""Seconds before its end of what an asynchronous standby may not have."""


class Pair:
    """A primary and its standby."""

    def __init__(self, primary: PostgresServer, standby: PostgresServer) -> None:
        self.primary = primary
        self.standby = standby

    @property
    def url(self) -> str:
        """Both of them, the primary first."""
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"

    def wait_for_it(self) -> None:
        """From now on no commit counts before the standby has it."""
        self.primary.configure({"synchronous_standby_names": "*"})
        self.primary.reload()

        def is_synchronous() -> bool:
            with psycopg.connect(self.primary.url) as connection:
                return connection.execute("SELECT sync_state FROM pg_stat_replication").fetchall() == [("sync",)]

        eventually("the standby is synchronous", is_synchronous)

    def switch_over(self, three: Trio) -> None:
        """Kill the primary and promote the standby."""
        three.note("the primary is killed")
        self.primary.kill()
        self.standby.promote()
        three.note("the standby is the primary")

    def old_primary_returns(self, three: Trio) -> None:
        """All nodes have to connect anew, and find the old primary first."""
        three.note("the old primary is back")
        self.primary.start()
        end_all_connections(self.standby)
        eventually("every node refuses it", lambda: all("old primary" in node.output() for node in three.nodes))
        eventually("every node serves", lambda: all(node.ready() for node in three.nodes))


@contextmanager
def pair() -> Iterator[Pair]:
    with postgres_server(None, wal_keep_size="256MB") as primary, postgres_place() as place:
        standby = PostgresServer(place)
        standby.follow(primary)
        standby.start()
        try:
            yield Pair(primary, standby)
        finally:
            standby.stop()


@pytest.fixture
def two() -> Iterator[Pair]:
    with pair() as two:
        yield two


@pytest.fixture
def three(two: Pair, tmp_path: Path) -> Iterator[Trio]:
    with ExitStack() as stack:
        yield stack.enter_context(trio(tmp_path, two.primary, two.url))


def told(what: str, three: Trio, history: History, since: float) -> None:
    note(
        f"nodes: {what}",
        tasks=len(three.callers.made),
        unanswered=three.callers.failed,
        twice=twice(history),
        gap=round(gap(history, since), 2),
    )


def test_a_synchronous_standby_that_takes_over_has_everything_and_the_old_primary_is_refused(
    two: Pair, three: Trio
) -> None:
    began: list[float] = []

    def meanwhile() -> None:
        two.wait_for_it()
        began.append(time.monotonic())
        two.switch_over(three)
        time.sleep(SECONDS)
        two.old_primary_returns(three)

    three.callers.work(THREADS, SECONDS, meanwhile)
    history = three.check()
    told("a synchronous standby takes over", three, history, began[0])
    assert twice(history) == 0
    assert not any("joins anew" in node.output() for node in three.nodes)


def test_an_asynchronous_standby_loses_at_most_what_it_did_not_have_yet(two: Pair, three: Trio) -> None:
    began: list[float] = []

    def meanwhile() -> None:
        began.append(time.monotonic())
        two.switch_over(three)

    three.callers.work(THREADS, SECONDS, meanwhile)
    history = three.settle()
    told("an asynchronous standby takes over", three, history, began[0])
    recent = _touched(history, began[0] - RECENT, began[0] + RECENT)
    broken = [each for each in violations(history) if each.about not in recent]
    assert not broken, broken[0]


def _touched(history: History, since: float, until: float) -> set[str]:
    """Tasks of which something happened in that time."""
    calls = {entry.call: entry for entry in history.entries if isinstance(entry, Called)}
    requests = {entry.request: entry for entry in history.entries if isinstance(entry, Requested)}
    touched: set[str] = set()
    for entry in history.entries:
        if since <= entry.at <= until:
            if isinstance(entry, Answered):
                touched.update(calls[entry.call].tasks)
            elif isinstance(entry, Replied):
                touched.add(requests[entry.request].task)
    return touched


def test_no_answer_is_ok_while_a_commit_waits_for_a_lost_standby(two: Pair, three: Trio) -> None:
    began: list[float] = []
    answered: list[Answered] = []

    def meanwhile() -> None:
        two.wait_for_it()
        three.note("the standby is lost")
        two.standby.stop()
        began.append(time.monotonic())
        time.sleep(13)
        lost = time.monotonic()
        three.note("the standby is back")
        two.standby.start()
        answered.extend(
            entry
            for entry in list(three.callers.entries)
            if isinstance(entry, Answered) and began[0] < entry.at < lost and entry.code == "OK"
        )

    three.callers.work(THREADS, SECONDS, meanwhile)
    history = three.check()
    told("a synchronous standby is lost", three, history, began[0])
    assert answered == []
    assert not any("joins anew" in node.output() for node in three.nodes)
