"""The server: what it is, its nodes, draining it, starting over."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from google.protobuf.empty_pb2 import Empty

from tidegate.api.operator.about import without_password
from tidegate.api.operator.parts import Parts
from tidegate.api.times import put_moment, put_span
from tidegate.core.errors import InvalidArgument
from tidegate.core.size import TASK_SIZE_MAX
from tidegate.core.validation.batch import BATCH_CREATE_MAX, BATCH_DELETE_MAX
from tidegate.core.validation.schedule import SCHEDULE_AHEAD_MAX
from tidegate.engine.node_board import NodeFace
from tidegate.schema.operator import ListNodesResponse, Node, Operator, Server
from tidegate.schema.versions import all_rows

SERVER: Final = "server"
WHOLE: Final = "-"
"""The name of the whole server, where permissions are asked about."""
ANYBODY: Final = "allUsers"
"""The member that everyone is who has not shown who they are."""

_SHOWN_MAX: Final = 200


async def get_server(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    return _server(parts, call)


async def drain(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    await _ask(parts, request.node, drained=True)
    return _server(parts, call)


async def undrain(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    await _ask(parts, request.node, drained=False)
    return _server(parts, call)


async def reset_server(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    await (parts.reset or parts.engine.reset)()
    return Empty()


async def list_nodes(parts: Parts, request: Any, name: Any, call: Any) -> Any:
    engine, about = parts.engine, parts.about
    response = ListNodesResponse.pb()()
    if engine.board is None:
        now = engine.machine.now()
        own = NodeFace(
            about.node, about.address, about.version, about.started_at, now, engine.draining, engine.under_way.attempts
        )
        _write_node(own, _state(parts), response.nodes.add(current=True))
        return response
    for face in await engine.board.faces():
        state = "DEAD" if face.is_dead(engine.clock.now()) else _state_of(face.draining, face.in_flight)
        _write_node(face, state, response.nodes.add(current=face.name == about.node))
    return response


def _write_node(face: NodeFace, state: str, node: Any) -> None:
    node.name = f"nodes/{face.name}"
    node.state = Node.State[state]
    node.version = face.version
    node.address = face.address
    node.in_flight = face.in_flight
    put_moment(node.start_time, face.started_at)
    put_moment(node.last_seen_time, face.seen_at)


def _server(parts: Parts, call: Any) -> Any:
    about = parts.about
    server = Server.pb()(
        name=SERVER,
        version=about.version,
        store=without_password(about.store),
        node=about.node,
        features=about.features,
        state=Server.State[_state(parts)],
    )
    put_moment(server.start_time, about.started_at)
    for setting in about.settings:
        server.settings.add(name=setting.name, value=without_password(setting.value), source=setting.source)
    ceilings, limits = parts.engine.operator_rules.ceilings, server.limits
    limits.max_dispatches_per_second = ceilings.max_dispatches_per_second
    limits.max_concurrent_dispatches = ceilings.max_concurrent_dispatches
    limits.max_task_bytes = TASK_SIZE_MAX
    limits.max_batch_create = BATCH_CREATE_MAX
    limits.max_batch_delete = BATCH_DELETE_MAX
    put_span(limits.max_schedule_ahead, SCHEDULE_AHEAD_MAX)
    limits.max_bytes_in_flight = about.max_bytes_in_flight
    may = parts.may(call)
    server.me.member = ANYBODY if may.principal is None else may.principal.member
    server.me.permissions.extend(_all_permissions() if may.principal is None else sorted(may.permissions(WHOLE)))
    return server


def _state(parts: Parts) -> str:
    return _state_of(parts.engine.draining, parts.engine.under_way.attempts)


def _state_of(draining: bool, in_flight: int) -> str:
    return "SERVING" if not draining else "DRAINING" if in_flight else "DRAINED"


async def _ask(parts: Parts, node: str, *, drained: bool) -> None:
    """Let a node, empty for the one that answers, start no attempts or start them again."""
    own, engine = parts.about.node, parts.engine
    name = node.removeprefix("nodes/") or own
    if engine.board is not None:
        await engine.board.ask(name, drained=drained)
        return
    if name != own:
        raise InvalidArgument(
            f'node must be empty or "{own}", the only node of this server, but is "{node[:_SHOWN_MAX]}".'
        )
    (engine.drain if drained else engine.undrain)()


@cache
def _all_permissions() -> list[str]:
    """Every permission that some RPC needs: what everybody may who may do everything."""
    rows = [*all_rows(), *Operator.rpcs]
    needed = {row.permission for row in rows if row.permission}
    return sorted(needed | {more for row in rows for more in row.more_permissions})
