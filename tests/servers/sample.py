"""The application that the front runs in the tests: it does what a call asks it to, and says on stdout what happens."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from google.protobuf.wrappers_pb2 import StringValue

from tidegate.core.errors import ErrorInfo, NotFound
from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address
from tidegate.servers.asgi import App
from tidegate.servers.call import Call
from tidegate.servers.grpc import GrpcMethod
from tidegate.servers.mounts import Mount
from tidegate.servers.respond import respond


def say(line: str) -> None:
    print(line, flush=True)


async def start() -> None:
    match os.environ.get("SAMPLE_START"):
        case "fails":
            raise OperatorError("the store is locked: stop the other server")
        case "breaks":
            raise ValueError("a bug")
        case "waits":
            say("starting")
            await asyncio.to_thread(sys.stdin.readline)
        case "hangs":
            say("starting")
            await asyncio.Event().wait()


async def drain() -> None:
    say("draining")
    if os.environ.get("SAMPLE_DRAIN") == "waits":
        await released.wait()


async def stop() -> None:
    say("stopped")


async def echo(message: Any, _call: Call) -> Any:
    return message


async def length(message: Any, _call: Call) -> Any:
    return StringValue(value=str(len(message.value)))


async def fail(message: Any, _call: Call) -> Any:
    raise NotFound(message.value, ErrorInfo("MISSING", "tests.example", {"what": "all"}))


async def break_(_message: Any, _call: Call) -> Any:
    raise ValueError("a bug")


async def metadata(message: Any, call: Call) -> Any:
    return StringValue(value=repr(call.metadata.get(message.value)))


async def environment(message: Any, _call: Call) -> Any:
    return StringValue(value=repr(os.environ.get(message.value)))


async def hold(message: Any, _call: Call) -> Any:
    say("holding")
    try:
        await released.wait()
    except asyncio.CancelledError:
        say("cancelled")
        raise
    return message


async def release(message: Any, _call: Call) -> Any:
    released.set()
    return message


async def raw_path(scope: Any, _receive: Any, send: Any) -> None:
    """The path and the query as they arrived."""
    await respond(scope["method"], send, 200, scope["raw_path"] + b"?" + scope["query_string"])


released = asyncio.Event()
handlers = {
    "Echo": echo,
    "Length": length,
    "Fail": fail,
    "Break": break_,
    "Metadata": metadata,
    "Environment": environment,
    "Hold": hold,
    "Release": release,
}


def make(_address: Address) -> App:
    return app


app = App(
    {f"/sample.Sample/{name}": GrpcMethod(StringValue, handler) for name, handler in handlers.items()},
    start=start,
    drain=drain,
    stop=stop,
    mounts=[Mount("/", raw_path, below=True)],
)
