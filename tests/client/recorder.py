"""Servers on loopback that note each call and answer as they are told: gRPC and REST."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

TIMEOUTS = (20.0, 500.0, 5000.0)
"""The timeouts that calls are made with, in seconds: far enough apart to be told from what is left of them."""
NOT_COMPARED = {"user-agent", "x-goog-api-client", "host"}


@dataclass(frozen=True)
class Answer:
    """What to answer: a message in bytes, or an error; the same over REST as JSON."""

    message: bytes = b""
    json: bytes = b"{}"
    code: int = 0
    http_status: int = 200
    text: str = ""
    details: bytes = b""


@dataclass
class Script:
    """The answers to come, and the calls that came."""

    answers: list[Answer] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)

    def begin(self, answers: list[Answer]) -> None:
        self.answers, self.seen = list(answers), []

    def take(self) -> Answer:
        return self.answers.pop(0) if self.answers else Answer(code=13, http_status=500, text="nothing is left to say")


def meant(left: float | None) -> float | None:
    """The timeout of which this much is left; long ones travel rounded up to minutes."""
    if left is None or left > 2 * TIMEOUTS[-1]:  # grpcio says a very long time for none
        return None
    return min(timeout for timeout in TIMEOUTS if left <= timeout * 1.05)


class GrpcRecorder(grpc.GenericRpcHandler):
    def __init__(self, script: Script) -> None:
        self._script = script
        self._server = grpc.server(ThreadPoolExecutor(2), handlers=[self], options=[("grpc.so_reuseport", 0)])
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def service(self, call: Any) -> Any:
        headers = [(key, value) for key, value in call.invocation_metadata if key not in NOT_COMPARED]

        def answer(request: bytes, context: Any) -> bytes:
            left = context.time_remaining()
            self._script.seen.append(
                {
                    "path": call.method,
                    "body": request,
                    "headers": sorted(headers),
                    "timeout": meant(left),
                    "says_who": any(key == "x-goog-api-client" for key, _ in call.invocation_metadata),
                }
            )
            told = self._script.take()
            if told.code:
                if told.details:
                    context.set_trailing_metadata([("grpc-status-details-bin", told.details)])
                code = next(code for code in grpc.StatusCode if code.value[0] == told.code)
                context.abort(code, told.text)
            return told.message

        return grpc.unary_unary_rpc_method_handler(answer)


class RestRecorder:
    def __init__(self, script: Script) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                script.seen.append(
                    {
                        "path": f"{self.command} {self.path}",
                        "body": body,
                        "headers": sorted(item for item in headers.items() if item[0] not in NOT_COMPARED),
                        "says_who": "x-goog-api-client" in headers,
                    }
                )
                told = script.take()
                self.send_response(told.http_status)
                self.send_header("Content-Type", "application/json; charset=UTF-8")
                self.send_header("Content-Length", str(len(told.json)))
                self.end_headers()
                self.wfile.write(told.json)

            do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
