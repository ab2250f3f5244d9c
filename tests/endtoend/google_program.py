"""Google's own client, run as a program: calls in as lines of JSON, answers out, many at a time.

    python google_program.py HOST:PORT v2
    {"id": 1, "method": "get_queue", "request": {"name": "…"}, "persist": false}
    {"id": 1, "answer": {…}, "tries": 1, "at": 123.4}

With ``persist`` a call is made again for as long as the server is UNAVAILABLE. ``at`` is when the answer came, on the
machine's monotonic clock.
"""

from __future__ import annotations

import importlib
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from google.api_core.exceptions import GoogleAPICallError
from google.api_core.operation import Operation
from google.cloud.location import locations_pb2
from google.iam.v1 import iam_policy_pb2
from google.longrunning import operations_pb2
from google.protobuf.json_format import MessageToDict, ParseDict

CALLS_AT_ONCE = 32
CALL_SECONDS = 30.0
PAUSE_SECONDS = 0.02
RECONNECT = [
    ("grpc.initial_reconnect_backoff_ms", 20),
    ("grpc.min_reconnect_backoff_ms", 20),
    ("grpc.max_reconnect_backoff_ms", 100),
]


class Program:
    def __init__(self, address: str, version: str) -> None:
        self._module = importlib.import_module(f"google.cloud.tasks_{version}")
        transport = self._module.CloudTasksClient.get_transport_class("grpc")
        self._channel = grpc.insecure_channel(address, options=RECONNECT)
        self._client = self._module.CloudTasksClient(transport=transport(channel=self._channel))
        self._writing = threading.Lock()

    def run(self) -> None:
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            for line in sys.stdin:
                pool.submit(self._serve, json.loads(line))
        self._channel.close()

    def _serve(self, call: dict[str, Any]) -> None:
        try:
            said = self._call(call["method"], call["request"], persist=call["persist"])
        except Exception as error:
            said = {"code": "BUG", "message": repr(error), "tries": 0}
        with self._writing:
            print(json.dumps({"id": call["id"], "at": time.monotonic(), **said}), flush=True)

    def _call(self, method: str, fields: dict[str, Any], *, persist: bool) -> dict[str, Any]:
        request = self._request(method, fields)
        tries = 0
        while True:
            tries += 1
            try:
                answer = getattr(self._client, method)(request=request, retry=None, timeout=CALL_SECONDS)
                return {"answer": _plain(answer), "tries": tries}
            except GoogleAPICallError as error:
                code = error.grpc_status_code
                if code is not grpc.StatusCode.UNAVAILABLE or not persist:
                    return {"code": code.name if code else "NONE", "message": error.message, "tries": tries}
            time.sleep(PAUSE_SECONDS)

    def _request(self, method: str, fields: dict[str, Any]) -> Any:
        name = "".join(part.capitalize() for part in method.split("_")) + "Request"
        for module in (iam_policy_pb2, operations_pb2, locations_pb2):
            if hasattr(module, name):
                return ParseDict(fields, getattr(module, name)())
        kind = getattr(self._module, name)
        return kind.wrap(ParseDict(fields, kind.pb()()))


def _plain(answer: Any) -> Any:
    if answer is None:
        return {}
    if isinstance(answer, Operation):
        answer = answer.operation
    elif hasattr(answer, "pages"):
        return [_plain(item) for item in answer]
    raw = type(answer).pb(answer) if hasattr(type(answer), "pb") else answer
    return MessageToDict(raw, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


if __name__ == "__main__":
    Program(*sys.argv[1:]).run()
