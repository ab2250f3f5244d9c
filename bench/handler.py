"""A fast handler for a server to call: nginx, which answers 200 to everything but ``FAIL`` and counts."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
import time
from collections.abc import Iterator

from bench.server import scratch
from bench.tools import program

COUNT = "/requests"
FAIL = "fail"
"""What is called below the handler's URL is answered with 500."""
LOOK = 0.02  # seconds between looks at the count


class Handler:
    """``url`` is where tasks go."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._asked = 0

    def requests(self) -> int:
        """How many it has answered so far."""
        self._connection.request("GET", COUNT)
        # Active connections, then a line of names, then: accepted, handled, requests
        counted = int(self._connection.getresponse().read().split(b"\n")[2].split()[2])
        self._asked += 1
        return counted - self._asked

    def await_requests(self, count: int, within: float) -> float:
        """Seconds until so many have been answered, ``within`` if they have not."""
        begin = time.perf_counter()
        while (took := time.perf_counter() - begin) < within and self.requests() < count:
            time.sleep(LOOK)
        return min(took, within)


@contextlib.contextmanager
def handling() -> Iterator[Handler]:
    nginx = program("nginx")
    with socket.socket() as free, scratch() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        config = folder / "nginx.conf"
        config.write_text(
            f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;"
            " events { worker_connections 8192; }"
            " http { access_log off; keepalive_requests 1000000000; client_body_temp_path "
            f"{folder}/body; client_max_body_size 64m;"
            f" server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200; }}"
            f" location = /{FAIL} {{ return 500; }}"
            f" location = {COUNT} {{ stub_status; }} }} }}"
        )
        process = subprocess.Popen([nginx, "-c", str(config), "-p", str(folder), "-e", f"{folder}/error.log"])
        try:
            _await_port(port)
            yield Handler(port)
        finally:
            process.terminate()
            process.wait()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return
