"""A server to measure: ``tidegate serve`` on a store of its own, and a fast handler for it to call."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc

from tidegate.schema import v2
from tidegate.schema.rpc import Rpc

PARENT = "projects/bench/locations/here"
UNBOUND = ("--max-dispatches-per-second", "1000000", "--max-concurrent-dispatches", "1000000")
"""Ceilings out of the way: the benchmarks measure the server, not the limits of Cloud Tasks."""


class Server:
    """A running server: where it listens, its process, and calls to it."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port
        self.address = f"127.0.0.1:{port}"
        self.channel = grpc.insecure_channel(
            self.address, options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        )

    def call(self, row: Rpc[Any, Any], **fields: object) -> Any:
        """Call an RPC with the fields of its request; the raw answer."""
        method: Any = self.channel.unary_unary(
            row.grpc_path,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=row.response_pb.FromString,
        )
        return method(row.request_pb(**fields), timeout=120)

    def resident(self) -> int:
        """Bytes of memory the process holds."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")

    def cpu(self) -> float:
        """Seconds of processor time the process has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.channel.close()
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def serving(store: Path, *flags: str) -> Iterator[Server]:
    """A server on that store, answering; stopped at the end."""
    server = start(store, *flags)
    try:
        yield server
    finally:
        server.stop()


def start(store: Path, *flags: str) -> Server:
    command = [sys.executable, "-m", "tidegate", "serve", "--port", "0", "--store", f"sqlite:///{store}", *UNBOUND]
    process = subprocess.Popen([*command, *flags], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.startswith("listening on "):
        process.kill()
        raise SystemExit("the server did not start")
    return Server(process, int(line.rsplit(":", 1)[1]))


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder on disk that goes away."""
    folder = Path(tempfile.mkdtemp(prefix="tidegate-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def handler(folder: Path) -> Iterator[str]:
    """The URL of an nginx that answers 200 to everything."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if nginx is None:
        raise SystemExit("nginx is missing: apt-get install nginx-light")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;"
        " events { worker_connections 8192; }"
        " http { access_log off; keepalive_requests 1000000000; client_body_temp_path "
        f"{folder}/body; client_max_body_size 64m;"
        f" server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ return 200; }} }} }}"
    )
    process = subprocess.Popen([nginx, "-c", str(config), "-p", str(folder), "-e", f"{folder}/error.log"])
    try:
        _await_port(port)
        yield f"http://127.0.0.1:{port}/"
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


def make_queue(server: Server, name: str, **limits: float) -> str:
    """Create a queue without limits worth mentioning, or with these; its full name."""
    full = f"{PARENT}/queues/{name}"
    wanted = {"max_dispatches_per_second": 1_000_000, "max_concurrent_dispatches": 100_000, **limits}
    row = v2.CloudTasks.create_queue
    server.call(row, parent=PARENT, queue={"name": full, "rate_limits": wanted})
    return full


def fill(server: Server, queue: str, url: str, count: int, body: bytes = b"x" * 200) -> None:
    """Create tasks, a hundred at a time, several batches under way."""
    row = v2.CloudTasks.batch_create_tasks
    request = row.request_pb(parent=queue)
    for _ in range(100):
        request.requests.add(parent=queue, task={"http_request": {"url": url, "body": body}})
    many: Any = server.channel.unary_unary(row.grpc_path, lambda r: r.SerializeToString(), row.response_pb.FromString)
    under_way = []
    for _ in range(count // 100):
        under_way.append(many.future(request, timeout=120))
        if len(under_way) >= 16:
            under_way.pop(0).result()
    for each in under_way:
        each.result()


def has_tasks(server: Server, queue: str) -> bool:
    answer = server.call(v2.CloudTasks.list_tasks, parent=queue, page_size=1)
    return bool(answer.tasks)
