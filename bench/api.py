"""Something that speaks the API at an address: call it once, or over and over."""

from __future__ import annotations

from typing import Any

import grpc

from bench.load import USUAL, Load, Shape, call_over_and_over
from bench.process import Process
from tidegate.schema import v2
from tidegate.schema.rpc import Rpc

PARENT = "projects/bench/locations/here"


class Api:
    """An address, and ``process`` if the server there is ours."""

    def __init__(self, address: str, process: Process | None = None) -> None:
        self.address = address
        self.process = process
        self._channel = grpc.insecure_channel(address)

    @property
    def port(self) -> int:
        return int(self.address.rsplit(":", 1)[1])

    @property
    def host(self) -> str:
        return self.address.rsplit(":", 1)[0]

    def call(self, row: Rpc[Any, Any], **fields: object) -> Any:
        """Call an RPC with the fields of its request; the raw answer."""
        method: Any = self._channel.unary_unary(
            row.grpc_path,
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=row.response_pb.FromString,
        )
        return method(row.request_pb(**fields), timeout=120)

    def load(self, row: Rpc[Any, Any], message: bytes, *, seconds: float, shape: Shape = USUAL) -> Load:
        """Call an RPC with the same request over and over."""
        url = f"http://{self.address}{row.grpc_path}"
        return call_over_and_over(url, message, seconds=seconds, shape=shape, process=self.process)

    def make_queue(self, name: str, *, paused: bool = False, **limits: float) -> str:
        """Create a queue without limits worth mentioning, or with these; its full name."""
        wanted = {"max_dispatches_per_second": 1_000_000, "max_concurrent_dispatches": 100_000, **limits}
        full = self.make_plain_queue(name, rate_limits=wanted)
        if paused:
            self.call(v2.CloudTasks.pause_queue, name=full)
        return full

    def make_plain_queue(self, name: str, **settings: object) -> str:
        """Create a queue with these settings and the server's for the rest; its full name."""
        full = f"{PARENT}/queues/{name}"
        self.call(v2.CloudTasks.create_queue, parent=PARENT, queue={"name": full, **settings})
        return full

    def has_tasks(self, queue: str) -> bool:
        answer = self.call(v2.CloudTasks.list_tasks, parent=queue, page_size=1)
        return bool(answer.tasks)

    def close(self) -> None:
        self._channel.close()
