"""Another site on this machine: every path of it is an empty page, but ``/to?URL`` leads to that URL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, url = self.path.partition("?")
        if path == "/to":
            self.send_response(302)
            self.send_header("Location", url)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "15")
        self.end_headers()
        self.wfile.write(b"<!doctype html>")

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def site() -> Iterator[int]:
    """Its port on 127.0.0.1."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Pages) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
