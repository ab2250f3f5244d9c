"""A server that leaves while pages are open: each is told, and none keeps it from leaving."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path

from tests.endtoend.server import Server

TABS = 8


def test_open_pages_are_told_and_do_not_hold_the_server(tmp_path: Path) -> None:
    """The drain may take ten minutes: were it to wait for the pages, the test would not."""
    with Server(tmp_path, "--drain", "600s") as server, ExitStack() as open_ones:
        server.start()
        tabs = [open_ones.enter_context(socket.create_connection(("127.0.0.1", server.port), 60)) for _ in range(TABS)]
        heard = [open_ones.enter_context(tab.makefile("rb")) for tab in tabs]
        for tab, lines in zip(tabs, heard, strict=True):
            tab.sendall(f"GET /console/live HTTP/1.1\r\nHost: {server.address}\r\n\r\n".encode())
            assert any(line.strip() == b"event: hello" for line in lines)
        assert server.stop() == 0
        for lines in heard:
            assert b"event: leaving" in lines.read()
        assert server.complaints() == []
