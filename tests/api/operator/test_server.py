"""What the server says of itself, and being drained."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from tests.api.operator.living import QUEUE, Life, lived

from tidegate.api.operator import OperatorApi, Parts
from tidegate.api.operator.about import About, SettingInForce, without_password
from tidegate.core.errors import InvalidArgument
from tidegate.core.names import QueueName
from tidegate.core.queue import Queue
from tidegate.engine.operator_rules import OperatorRules
from tidegate.schema.operator import Node, Operator, Server

SECRET = "hunter2"


def described(life: Life, **more: object) -> None:
    about = About(
        version="1.2.3",
        started_at=life.clock.now(),
        address="http://127.0.0.1:8123",
        node="host:8123",
        store=f"postgresql://tidegate:{SECRET}@db/tasks",
        features=["dev"],
        settings=[SettingInForce("store", f"postgresql://tidegate:{SECRET}@db/tasks", "TIDEGATE_STORE")],
        max_bytes_in_flight=5,
    )
    life.api = OperatorApi(Parts(engine=life.engine, dev=True, about=about, **more))  # type: ignore[arg-type]


def test_the_server_says_what_it_is_and_where_its_settings_were_made() -> None:
    async def story(life: Life) -> None:
        described(life)
        server = await life.call(Operator.get_server)
        assert (server.name, server.version, server.node) == ("server", "1.2.3", "host:8123")
        assert server.start_time == life.clock.now()
        assert list(server.features) == ["dev"]
        assert server.state == Server.State.SERVING
        (setting,) = server.settings
        assert (setting.name, setting.source) == ("store", "TIDEGATE_STORE")
        assert server.limits.max_dispatches_per_second == 500
        assert server.limits.max_schedule_ahead == timedelta(hours=720)
        assert server.limits.max_bytes_in_flight == 5
        assert server.me.member == "allUsers"
        assert {"cloudtasks.tasks.create", "tidegate.server.get"} <= set(server.me.permissions)
        assert SECRET not in str(server)
        assert server.store == setting.value == "postgresql://tidegate:***@db/tasks"

    lived(story)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sqlite:///a@b:c.db", "sqlite:///a@b:c.db"),
        ("postgresql://u:p@h/d", "postgresql://u:***@h/d"),
        ("http://a.test=https://u:p@q.test,x", "http://a.test=https://u:***@q.test,x"),
        ("http://user@h", "http://user@h"),
        ("", ""),
    ],
)
def test_passwords_of_urls_are_masked(text: str, shown: str) -> None:
    assert without_password(text) == shown


def test_a_drained_node_starts_nothing_until_it_is_undrained() -> None:
    async def story(life: Life) -> None:
        described(life)
        life.network.seconds = 5
        await life.create("under-way")
        await asyncio.sleep(1)
        assert (await life.call(Operator.drain)).state == Server.State.DRAINING
        await life.create("waits")
        await asyncio.sleep(10)
        assert life.sent == ["under-way"]
        assert (await life.call(Operator.get_server)).state == Server.State.DRAINED
        (node,) = (await life.call(Operator.list_nodes)).nodes
        assert (node.name, node.state, node.current) == ("nodes/host:8123", Node.State.DRAINED, True)
        assert (await life.call(Operator.undrain, node="host:8123")).state == Server.State.SERVING
        await asyncio.sleep(6)
        assert life.sent == ["under-way", "waits"]

    lived(story)


def test_a_drained_node_still_runs_what_is_asked_for_and_is_drained_twice_without_harm() -> None:
    async def story(life: Life) -> None:
        await life.call(Operator.drain)
        await life.call(Operator.drain)
        name = await life.create("forced", timedelta(hours=1))
        await life.engine.tasks.run(QUEUE.task("forced"))
        await asyncio.sleep(1)
        assert life.sent == [name.rpartition("/")[2]]
        await life.call(Operator.undrain)
        await life.call(Operator.undrain)
        assert not life.engine.draining

    lived(story)


def test_only_the_node_that_answers_can_be_drained() -> None:
    async def story(life: Life) -> None:
        described(life)
        for row in (Operator.drain, Operator.undrain):
            with pytest.raises(InvalidArgument, match='node must be empty or "host:8123"'):
                await life.call(row, node="other:8123")

    lived(story)


def test_a_reset_forgets_everything() -> None:
    async def story(life: Life) -> None:
        await life.create("gone", timedelta(hours=1))
        await life.call(Operator.reset_server)
        assert await life.engine.queues.list(QUEUE.parent, "", 10) == []

        async def reset() -> None:
            await life.engine.reset()
            await life.engine.queues.create(Queue(name=QueueName.of("p", "l", "first")))

        described(life, reset=reset)
        await life.call(Operator.reset_server)
        assert [queue.name.queue for queue in await life.engine.queues.list("projects/p/locations/l", "", 10)] == [
            "first"
        ]

    lived(story)


def test_the_limits_are_those_of_the_settings() -> None:
    async def story(life: Life) -> None:
        rules = OperatorRules()
        life.engine.operator_rules = replace(rules, ceilings=replace(rules.ceilings, max_dispatches_per_second=7.5))
        assert (await life.call(Operator.get_server)).limits.max_dispatches_per_second == 7.5

    lived(story)
