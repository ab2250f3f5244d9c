"""From one life of the server to the next."""

from __future__ import annotations

from tests.endtoend.calls import LOCATION
from tests.endtoend.client import GoogleClient
from tests.endtoend.handler import Handler
from tests.endtoend.server import Server


def kill(server: Server, handler: Handler) -> None:
    """``kill -9``; what the handler gets from now on is of the next life."""
    server.kill()
    handler.next_life()


def start(server: Server, client: GoogleClient) -> None:
    """The next life, once the client has found it."""
    server.start()
    assert client.reply("list_queues", persist=True, parent=LOCATION).code == "OK"


def kill_and_start(server: Server, client: GoogleClient, handler: Handler) -> None:
    kill(server, handler)
    start(server, client)
