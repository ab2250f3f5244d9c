"""What is done to three nodes and to their database."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import ExitStack

import psycopg
from tests.endtoend.waiting import eventually
from tests.kit.postgres_server import PostgresServer
from tests.nodes.trio import Node, Trio

PATIENCE = 1.0
"""Seconds that an attempt which has ended may wait for its record."""

CUT_OFF = 16.0
"""Seconds for which a node does not reach the database: longer than it takes to be dead."""

IDLE = 6.0
"""Seconds in which a session that is idle in a transaction is ended, and a node is not yet dead."""

END = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name LIKE 'tidegate%' AND pid <> pg_backend_pid()"
)


def end_all_connections(database: PostgresServer) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(END)


def killed_and_started_again_by_its_name(three: Trio) -> None:
    three.kill(three.nodes[0])
    three.nodes[0].spawn()
    three.nodes[0].wait_ready()


def asked_to_stop_one_after_the_other(three: Trio) -> None:
    for node in three.nodes:
        three.note(f"the node on port {node.port} is asked to stop")
        assert node.stop() == 0
        node.spawn()
        node.wait_ready()


def all_connections_ended_four_times(three: Trio) -> None:
    for _ in range(4):
        three.note("all connections are ended")
        end_all_connections(three.database)
        time.sleep(0.7)


def cut_off_at_commits(three: Trio) -> None:
    three.note("connections are cut at COMMIT")
    for relay in three.relays:
        relay.cutting = True
    eventually("some were cut", lambda: sum(relay.cuts for relay in three.relays) >= 10)
    for relay in three.relays:
        relay.cutting = False


def killed_for_good(three: Trio) -> None:
    three.kill(three.nodes[1])


def stopped_until_it_is_dead(three: Trio) -> None:
    node = three.nodes[2]
    node.open = False  # callers would wait for it
    three.broken(f"the node on port {node.port} stands still")
    node.freeze()
    time.sleep(16)
    three.broken(f"the node on port {node.port} goes on")
    node.go_on()
    eventually("it joins anew", lambda: "joins anew" in node.output())
    node.open = True


def the_database_is_killed(three: Trio) -> None:
    three.note("the database is killed")
    three.database.kill()
    time.sleep(1)
    three.database.start()
    three.note("it is back")


def the_database_is_stopped_at_once(three: Trio) -> None:
    """Without a checkpoint, and without waiting for anybody."""
    three.note("the database is stopped at once")
    three.database.stop(signal.SIGQUIT)
    time.sleep(1)
    three.database.start()
    three.note("it is back")


def the_database_is_away_for_longer_than_nodes_are_trusted(three: Trio) -> None:
    three.note("the database is killed")
    three.database.kill()
    time.sleep(14)
    three.database.start()
    three.note("it is back")


def _joins_anew(three: Trio, node: Node) -> None:
    three.broken(f"the node on port {node.port} reaches the database again")
    eventually("it joins anew", lambda: "joins anew" in node.output())
    node.open = True


def cut_off_from_the_database(three: Trio) -> None:
    node, relay = three.nodes[0], three.relays[0]
    node.open = False
    three.broken(f"the node on port {node.port} is cut off from the database")
    since = time.monotonic() - PATIENCE
    relay.deaf = relay.mute = True
    time.sleep(CUT_OFF)
    three.doubtful.append((since, time.monotonic()))
    relay.deaf = relay.mute = False
    _joins_anew(three, node)


def not_heard_by_the_database(three: Trio) -> None:
    node, relay = three.nodes[1], three.relays[1]
    node.open = False
    three.broken(f"the database hears nothing of the node on port {node.port}")
    since = time.monotonic() - PATIENCE
    relay.deaf = True
    time.sleep(CUT_OFF)
    three.doubtful.append((since, time.monotonic()))
    relay.deaf = False
    _joins_anew(three, node)


def hears_nothing_of_the_database(three: Trio) -> None:
    node, relay = three.nodes[2], three.relays[2]
    node.open = False
    three.broken(f"the node on port {node.port} hears nothing of the database")
    since = time.monotonic() - PATIENCE
    relay.mute = True
    time.sleep(CUT_OFF)
    three.doubtful.append((since, time.monotonic()))
    relay.mute = False
    _joins_anew(three, node)


def all_are_cut_off_from_the_database(three: Trio) -> None:
    three.note("nobody reaches the database")
    for relay in three.relays:
        relay.deaf = relay.mute = True
    time.sleep(5)
    for relay in three.relays:
        relay.deaf = relay.mute = False
    three.note("all reach it again")


def others_take_all_connections(three: Trio) -> None:
    over = threading.Event()

    def take() -> None:
        with ExitStack() as taken:
            while not over.is_set():
                try:
                    taken.enter_context(psycopg.connect(three.database.url))
                except psycopg.OperationalError:
                    over.wait(0.005)

    with psycopg.connect(three.database.url, autocommit=True) as administrator:

        def none_is_ready() -> bool:
            administrator.execute(END)
            return not any(node.ready() for node in three.nodes)

        three.note("others take all connections")
        taking = threading.Thread(target=take)
        taking.start()
        try:
            eventually("no node is ready", none_is_ready)
        finally:
            over.set()
            taking.join()
    three.note("there is room again")


IDLE_TRIALS = 10


def ended_while_it_is_idle_in_a_transaction(three: Trio) -> None:
    """What a node says does not arrive any more, in the midst of a transaction, until the server ends its session."""
    three.note("a node is idle in a transaction")
    for _ in range(IDLE_TRIALS):
        three.relays[0].deaf = True
        over = time.monotonic() + IDLE
        while time.monotonic() < over and not three.database.said("due to idle-in-transaction timeout"):
            time.sleep(0.05)
        three.relays[0].deaf = False
        if three.database.said("due to idle-in-transaction timeout"):
            break
        time.sleep(3)  # for its beats
    assert three.database.said("due to idle-in-transaction timeout")
    three.note("its session was ended")


def a_queue_is_held_by_an_administrator(three: Trio) -> None:
    queue = three.callers.queues[0]
    with psycopg.connect(three.database.url) as connection:
        connection.execute(f"SELECT 1 FROM {three.schema}.queues WHERE name LIKE '%/{queue}' FOR UPDATE".encode())
        three.note(f"{queue} is held")
        time.sleep(4)
    three.note(f"{queue} is free")


SPOIL = """
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.03 THEN
        RAISE EXCEPTION 'spoiled'
            USING ERRCODE = (ARRAY['40001', '40P01', '55P03', '57014'])[1 + floor(random() * 4)::int];
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER spoil AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION spoil();
"""
"""Serialization failure, deadlock, lock timeout, statement timeout."""


def statements_fail_as_others_spoil_them(three: Trio) -> None:
    three.note("statements fail")
    create = SPOIL
    for table in ("tasks", "flows", "tombstones"):
        three.sql(create.format(table=table))
        create = SPOIL[SPOIL.index("CREATE TRIGGER") :]
    time.sleep(2)
    three.sql("DROP FUNCTION spoil CASCADE")
    three.note("and succeed again")


SLOW = """
CREATE SEQUENCE slowed;
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('slowed') = 1 THEN
        PERFORM pg_sleep(60);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER slow AFTER INSERT ON tasks FOR EACH STATEMENT EXECUTE FUNCTION slow();
"""


def a_statement_takes_longer_than_it_may(three: Trio) -> None:
    three.note("a statement is slow")
    three.sql(SLOW)
    eventually("it was ended", lambda: three.database.said("canceling statement due to statement timeout"))
    three.sql("DROP FUNCTION slow CASCADE")


def the_tasks_are_locked_by_an_administrator(three: Trio) -> None:
    with psycopg.connect(three.database.url) as connection:
        connection.execute(f"LOCK TABLE {three.schema}.tasks IN ACCESS EXCLUSIVE MODE".encode())
        three.note("the tasks are locked")
        time.sleep(7)
    three.note("the tasks are free")
