"""The test's end of Google's own client, which runs in another process. Messages are dicts, named as in the API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAM = Path(__file__).with_name("google_program.py")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Reply:
    """What a call came to: an ``answer``, or an error's ``code`` and ``message``.

    ``tries`` counts how often it was made, ``at`` is the monotonic time of the last reply.
    """

    at: float
    tries: int
    answer: Any = None
    code: str = "OK"
    message: str = ""


class CallError(Exception):
    def __init__(self, method: str, reply: Reply) -> None:
        super().__init__(f"{method}: {reply.code}: {reply.message}")
        self.code = reply.code
        self.message = reply.message


class GoogleClient:
    """``google-cloud-tasks`` over a plain gRPC channel. May be used from many threads."""

    def __init__(self, address: str, version: str = "v2") -> None:
        self._ids = count()
        self._waiting: dict[int, Future[Reply]] = {}
        self._writing = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(PROGRAM), address, version],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "GRPC_VERBOSITY": "NONE", "GOOGLE_CLOUD_PROJECT": "p"},
        )
        self._reading = threading.Thread(target=self._read, name="google client")
        self._reading.start()

    def __enter__(self) -> GoogleClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if error is not None:
            self._process.kill()
        self._process.stdin.close()
        self._process.wait()
        self._reading.join()
        self._process.stdout.close()

    def submit(self, method: str, /, *, persist: bool = False, **request: Any) -> Future[Reply]:
        """Make a call; the future is its reply, error or not."""
        number = next(self._ids)
        future = self._waiting[number] = Future()
        line = json.dumps({"id": number, "method": method, "request": request, "persist": persist})
        with self._writing:
            assert self._process.stdin is not None
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        return future

    def reply(self, method: str, /, *, persist: bool = False, **request: Any) -> Reply:
        """Make a call and wait for its reply, error or not."""
        reply = self.submit(method, persist=persist, **request).result()
        assert reply.code != "BUG", reply.message
        return reply

    def call(self, method: str, /, **request: Any) -> Any:
        """Make a call and wait for its answer. Raises CallError."""
        reply = self.reply(method, **request)
        if reply.code != "OK":
            raise CallError(method, reply)
        return reply.answer

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said: Mapping[str, Any] = json.loads(line)
            fields = {name: value for name, value in said.items() if name != "id"}
            self._waiting.pop(said["id"]).set_result(Reply(**fields))
        for future in self._waiting.values():
            future.set_exception(EOFError("the client program has ended"))


def micros(text: str) -> int:
    """An API time as microseconds since 1970; the wall clock of the handler counts the same."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def rfc3339(microseconds: int) -> str:
    """And back."""
    return (EPOCH + timedelta(microseconds=microseconds)).isoformat().replace("+00:00", "Z")
