"""The server: nodes, settings, store, versions."""

from __future__ import annotations

from tidegate.console.answer import Answer
from tidegate.console.visit import Visit, if_built
from tidegate.schema.operator import Operator, Server
from tidegate.schema.operator.server import Node


async def server(visit: Visit) -> Answer:
    about = await if_built(visit.calls(Operator.get_server))
    nodes = await if_built(visit.calls(Operator.list_nodes))
    return visit.page(
        "server.html",
        title="Server",
        section="server",
        about=about,
        state=Server.State(about.state).name.lower() if about is not None else "",
        nodes=[(node, Node.State(node.state).name.lower()) for node in nodes.nodes] if nodes is not None else [],
        streams=visit.console.streams,
    )


async def drain(visit: Visit) -> Answer:
    await visit.calls(Operator.drain, node=visit.request.sent("node"))
    return visit.go("server", notice="draining")


async def undrain(visit: Visit) -> Answer:
    await visit.calls(Operator.undrain, node=visit.request.sent("node"))
    return visit.go("server", notice="serving")
