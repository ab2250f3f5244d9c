"""The front as a process of its own, and real clients to it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue

ROOT = Path(__file__).parents[2]
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Front:
    """A process that serves the sample application; ended, whatever happens, by ``running``."""

    def __init__(self, arguments: str, environment: dict[str, str]) -> None:
        imports = "from tests.servers.sample import make; from tidegate.servers.front import serve, Tls"
        code = f"{imports}; serve(make, {arguments})"
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.url = ""

    def line(self) -> str:
        """The next line of stdout; empty at its end."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def await_listening(self) -> None:
        line = self.line()
        if not line.startswith("listening on "):
            self.process.kill()
            raise AssertionError(f"not listening: {line} {self.process.communicate()}")
        self.url = line.removeprefix("listening on ")

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def ended(self) -> tuple[int, list[str], list[str]]:
        """Waits for its end: the exit code, what was left of stdout, and stderr, in lines."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out.splitlines(), err.splitlines()


@contextlib.contextmanager
def running(arguments: str = "port=0", *, listening: bool = True, **environment: str) -> Iterator[Front]:
    front = Front(arguments, environment)
    try:
        if listening:
            front.await_listening()
        yield front
    finally:
        front.process.kill()
        front.process.communicate()


class Caller:
    """Calls of the sample's methods through grpcio, text in and text out."""

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None = None) -> None:
        # A channel of its own, not one of another test's that has backed off.
        options = [*UNLIMITED, ("grpc.use_local_subchannel_pool", 1)]
        self.channel = (
            grpc.secure_channel(target, credentials, options) if credentials else grpc.insecure_channel(target, options)
        )

    def method(self, name: str) -> Any:
        path = name if name.startswith("/") else f"/sample.Sample/{name}"
        return self.channel.unary_unary(path, StringValue.SerializeToString, StringValue.FromString)

    def raw(self, path: str) -> Any:
        """A method by its path, bytes in and bytes out."""
        return self.channel.unary_unary(path)

    def __call__(self, name: str, text: str = "", **options: Any) -> str:
        """The answer. Waits for the server no longer than a minute."""
        answer: str = self.method(name)(StringValue(value=text), **{"timeout": 60, **options}).value
        return answer

    def error(self, name: str, text: str = "", **options: Any) -> grpc.RpcError:
        """The error that the call must end with."""
        try:
            answer = self(name, text, **options)
        except grpc.RpcError as error:
            return error
        raise AssertionError(f"answered {answer!r}")


@contextlib.contextmanager
def calling(front: Front, credentials: grpc.ChannelCredentials | None = None) -> Iterator[Caller]:
    caller = Caller(front.url.split("//")[1], credentials)
    try:
        yield caller
    finally:
        caller.channel.close()
