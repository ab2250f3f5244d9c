"""Every RPC, every role, on the server, the project and the queue, over gRPC and REST: allowed exactly where the tables
say so. What is refused reaches no handler, so it changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from tests.access.world import ADMIN, LOCATION, PROJECT, QUEUE, TASK, Guarded, status_of
from tests.servers.driving import Answer

from tidegate.api import rpcs
from tidegate.api.handlers import upload
from tidegate.api.iam import keys
from tidegate.api.iam import rpcs as iam_rpcs
from tidegate.api.operator import Parts
from tidegate.api.operator import rpcs as operator_rpcs
from tidegate.core.access.permissions import FULL_VIEW
from tidegate.core.access.roles import ROLES
from tidegate.core.errors import Aborted
from tidegate.schema.iam import Iam
from tidegate.schema.operator import Operator
from tidegate.schema.rpc import Rpc
from tidegate.schema.versions import all_rows
from tidegate.servers.call import Call

ACCOUNT = f"{PROJECT}/serviceAccounts/mailer@shop.iam.gserviceaccount.com"
NAMES = {
    "projects/*": PROJECT,
    "projects/*/locations/*": LOCATION,
    "projects/*/locations/*/queues/*": QUEUE,
    "projects/*/locations/*/queues/*/tasks/*": TASK,
    "projects/*/locations/*/operations/*": f"{LOCATION}/operations/o",
    "projects/*/locations/*/cmekConfig": f"{LOCATION}/cmekConfig",
    "projects/*/locations/*/queues/*/status": f"{QUEUE}/status",
    "projects/*/locations/*/queues/*/options": f"{QUEUE}/options",
    "projects/*/locations/*/queues/*/faults/*": f"{QUEUE}/faults/f",
    "projects/*/locations/*/queues/*/deadTasks/*": f"{QUEUE}/deadTasks/d",
    "projects/*/locations/*/queues/*/tasks/*/attempts/*": f"{TASK}/attempts/1",
    "projects/*/serviceAccounts/*": ACCOUNT,
    "projects/*/serviceAccounts/*/keys/*": f"{ACCOUNT}/keys/k",
    "server": "server",
    "-": "-",
}
REACHED, REFUSED = 10, 7
LEVELS = ("server", "project", "queue")
HOLDERS = {"server": "server", "project": PROJECT, "queue": QUEUE}


def every_row() -> Iterator[Rpc[Any, Any]]:
    yield from all_rows()
    yield from Operator.rpcs
    yield from Iam.rpcs


def name_for(row: Rpc[Any, Any]) -> str:
    """A name of the kind that the row is about; empty for a row about the whole server."""
    if row.name == "upload_queue_yaml":
        return PROJECT
    variables = [pattern for rule in row.bindings for _, pattern in _variables(rule.path)]
    return NAMES[variables[0]] if variables else ""


def _variables(path: str) -> list[tuple[str, str]]:
    return [tuple(part.split("}")[0].split("=")) for part in path.split("{")[1:] if "=" in part.split("}")[0]]  # type: ignore[misc]


def request_for(row: Rpc[Any, Any], *, full: bool = False) -> Any:
    request = row.request_pb()
    if row.name == "upload_queue_yaml":
        request.app_id = "shop"
    elif row.routing_field:
        *parents, field = row.routing_field.split(".")
        holder = request
        for parent in parents:
            holder = getattr(holder, parent)
        setattr(holder, field, name_for(row))
    if full:
        request.response_view = 2
    return request


def covers(level: str, row: Rpc[Any, Any]) -> bool:
    """Whether a policy on the level counts for what the row is about."""
    name = name_for(row)
    if level == "server":
        return True
    if level == "project":
        return name.startswith(PROJECT)
    return name.startswith(QUEUE)


async def handled(*_: Any) -> Any:
    """In place of every handler: says that it was reached."""
    raise Aborted("reached")


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> Guarded:
    for table in ("HANDLERS", "CALL_HANDLERS", "ASKING_HANDLERS"):
        monkeypatch.setattr(rpcs, table, dict.fromkeys(getattr(rpcs, table), handled))
    monkeypatch.setattr(upload, "upload_queue_yaml", handled)
    monkeypatch.setattr(iam_rpcs, "HANDLERS", dict.fromkeys(iam_rpcs.HANDLERS, handled))
    monkeypatch.setattr(keys, "key_maker", lambda _uri: handled)
    served = operator_rpcs.OperatorApi.__init__
    unary = {row.name: handled for row in Operator.rpcs if not row.streams}
    streams = {row.name: handled for row in Operator.rpcs if row.streams}
    monkeypatch.setattr(operator_rpcs.OperatorApi, "__init__", lambda api, parts: served(api, parts, unary, streams))
    return await Guarded().start()


async def ways(server: Guarded, row: Rpc[Any, Any], request: Any, token: str | None) -> list[Answer]:
    """The answers to a call, over each way that the row is served."""
    answers = [await server.grpc(row, request, token)] if row.grpc else []
    if row.name == "upload_queue_yaml":
        answers.append(await server.http("POST", "/api/queue/update", b"queue:", token, query="appId=shop"))
    elif row.bindings:
        answers.append(await server.rest(row, request, token))
    return answers


@pytest.mark.parametrize("role", sorted(ROLES))
async def test_a_role_allows_what_the_table_says_on_what_its_policy_covers(server: Guarded, role: str) -> None:
    for level in LEVELS:
        member = server.token(f"user:{level}@example.com")
        await server.allow(HOLDERS[level], (role, member))
        wrong = []
        for row in every_row():
            needed = {*([row.permission] if row.permission else []), *row.more_permissions}
            expected = REACHED if not needed or (covers(level, row) and needed <= ROLES[role]) else REFUSED
            statuses = [status_of(answer) for answer in await ways(server, row, request_for(row), member)]
            wrong += [(row.full_name, status, expected) for status in statuses if status != expected]
        assert wrong == [], level


async def test_without_credentials_only_what_needs_no_permission_is_answered(server: Guarded) -> None:
    for row in every_row():
        expected = REACHED if row.permission is None else 16
        for answer in await ways(server, row, request_for(row), None):
            assert status_of(answer) == expected, row.full_name


async def test_the_full_view_of_a_task_needs_a_permission_of_its_own(server: Guarded) -> None:
    viewing = [row for row in every_row() if "response_view" in row.request_pb.DESCRIPTOR.fields_by_name]
    assert len(viewing) > 10
    custom = {f"roles/without.{row.name}": frozenset({row.permission}) for row in viewing if row.permission}
    server.access.roles._known.update(custom)
    member = server.token("user:ann@example.com")
    for row in viewing:
        await server.allow("server", (f"roles/without.{row.name}", member))
        for answer in await ways(server, row, request_for(row), member):
            assert status_of(answer) == REACHED, row.full_name
        for answer in await ways(server, row, request_for(row, full=True), member):
            assert status_of(answer) == REFUSED, row.full_name
            assert FULL_VIEW in (answer.text if row.grpc and b"grpc-status" in answer.headers else answer.body.decode())


async def test_an_admin_may_do_everything_whatever_policies_say(server: Guarded) -> None:
    admin = server.token(ADMIN)
    for row in every_row():
        for answer in await ways(server, row, request_for(row), admin):
            assert status_of(answer) == REACHED, row.full_name


async def test_every_row_names_a_permission_that_some_role_grants() -> None:
    granted = frozenset().union(*ROLES.values())
    for row in every_row():
        for permission in (row.permission, *row.more_permissions):
            assert permission is None or permission in granted, row.full_name


async def test_what_streams_ends_when_the_caller_may_no_longer_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    server = await Guarded().start()
    ann = server.token("user:ann@example.com")
    await server.allow("server", ("roles/viewer", ann))

    async def watching(parts: Any, request: Any, name: Any, call: Any) -> Any:
        async def events() -> Any:
            yield Operator.watch_events.response_pb(cursor="1")
            await server.allow("server")
            yield Operator.watch_events.response_pb(cursor="2")

        return events()

    api = operator_rpcs.OperatorApi(
        Parts(engine=server.engine, dev=True, door=server.door), {}, {"watch_events": watching}
    )
    call = _call(ann)
    seen = []
    with suppress(Exception):
        async for event in await api.stream(Operator.watch_events)(request_for(Operator.watch_events), call):
            seen.append(event.cursor)  # noqa: PERF401 - what came before the end counts
    assert seen == ["1"]


def _call(token: str) -> Any:
    return Call({"headers": [(b"authorization", b"Bearer " + token.encode())], "query_string": b""}, None)
