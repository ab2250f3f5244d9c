"""A call with a large message, made by a process of its own so that the tests' does not grow.

    python -m tests.servers.large_call HOST:PORT METHOD BYTES [gzip]

Prints the status and the answer's text or the error's, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import grpc
from google.protobuf.wrappers_pb2 import StringValue

ROOT = Path(__file__).parents[2]


def large_call(target: str, method: str, size: int, *options: str) -> tuple[str, str]:
    """What came of it: the name of the status, and the text."""
    command = [sys.executable, "-m", "tests.servers.large_call", target, method, str(size), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    status, text = json.loads(done.stdout)
    return status, text


def main(target: str, method: str, size: str, *options: str) -> None:
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    compression = grpc.Compression.Gzip if "gzip" in options else None
    with grpc.insecure_channel(target, unlimited) as channel:
        call = channel.unary_unary(method, StringValue.SerializeToString, StringValue.FromString)
        try:
            answer = call(StringValue(value="x" * int(size)), timeout=120, compression=compression)
            status, text = "OK", answer.value
        except grpc.RpcError as error:
            status, text = error.code().name, error.details() or ""
    print(json.dumps([status, text]))


if __name__ == "__main__":
    main(*sys.argv[1:])
