"""A server asked over REST: one connection, JSON in and out, nothing but the standard library."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote, urlencode, urlsplit

from tidegate.cli.problems import UNREACHABLE, CommandError
from tidegate.cli.run.place import Access
from tidegate.cli.verbosity import MASKED, Told

TIMEOUT = 60.0
"""Seconds that a server may take for a call."""
LINE_MAX = 64 * 2**20
"""Bytes of a response in a stream: more than any task may have."""
PATH_SAFE = "/:$-_.~!*'(),@"


class RefusedError(CommandError):
    """The server said no. The text is its code and message, then its details as YAML."""

    def __init__(self, status: str, message: str, details: Any = None) -> None:
        super().__init__(_with_details(f"{status}: {message}", details))
        self.status = status


class Server:
    """The server of an ``Access``. It is asked directly, not by way of a proxy."""

    def __init__(self, access: Access, *, log: bool = False, told: Told | None = None) -> None:
        self.access = access
        self._told = told or Told()
        self.patience = TIMEOUT
        self._log = log
        self._connection: HTTPConnection | None = None
        self._authorization: str | None = None

    def call(
        self, verb: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None, data: bytes | None = None
    ) -> Any:
        """The answer to a call, or CommandError: what the server refuses, and that none answers.

        ``path`` is behind the address, ``body`` becomes JSON, ``data`` is sent as it is.
        """
        target = quote(path, safe=PATH_SAFE) + f"?{urlencode({'alt': 'json', **(query or {})}, safe='/')}"
        headers = {"Accept": "application/json", "User-Agent": "tidegate"}
        if body is not None:
            data = json.dumps(body, ensure_ascii=False, sort_keys=True).encode()
            headers["Content-Type"] = "application/json"
        elif data is not None:
            headers["Content-Type"] = "application/octet-stream"
        if authorization := self._authorize():
            headers["Authorization"] = authorization
        began = time.monotonic()
        self._log_request(verb, target, headers, data)
        try:
            answer = self._send(verb, target, data, headers)
            text = answer.read()
        except (OSError, HTTPException) as error:
            raise CommandError(self._unreachable(error), UNREACHABLE) from None
        self._log_answer(answer, text, time.monotonic() - began)
        self._told.debug(f'{self.access.url} "{verb} {target} HTTP/1.1" {answer.status} {len(text)}')
        return _read(answer.status, text)

    def stream(
        self, path: str, query: Mapping[str, Any] | None = None, opened: Callable[[], None] = lambda: None
    ) -> Iterator[dict[str, Any]]:
        """The responses of a call that streams, as they come, on a connection of its own.

        ``opened`` is called once the server has accepted the call. Ends when the server ends it. Raises CommandError:
        what the server refuses, and UNREACHABLE when none answers or the connection breaks.
        """
        target = quote(path, safe=PATH_SAFE) + f"?{urlencode({'alt': 'json', **(query or {})}, safe='/', doseq=True)}"
        headers = {"Accept": "application/x-ndjson", "User-Agent": "tidegate"}
        if authorization := self._authorize():
            headers["Authorization"] = authorization
        self._log_request("GET", target, headers, None)
        connection = self._connect()
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            if answer.status >= 400:
                _read(answer.status, answer.read())
            opened()
            while text := answer.readline(LINE_MAX + 1):
                if len(text) > LINE_MAX:
                    raise CommandError(f"a line of the answer is longer than {LINE_MAX} bytes")
                said = json.loads(text)
                if "error" in said:
                    _refuse(said["error"], answer.status)
                if said:  # else it only says that the server is there
                    yield said
        except (OSError, HTTPException, ValueError) as error:
            raise CommandError(self._unreachable(error), UNREACHABLE) from None
        finally:
            connection.close()

    def uri(self, version: str, name: str) -> str:
        """The URL of a resource."""
        return f"{self.access.url}/{version}/{name}"

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    def _send(self, verb: str, target: str, data: bytes | None, headers: Mapping[str, str]) -> HTTPResponse:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request(verb, target, data, dict(headers))
        return self._connection.getresponse()

    def _connect(self) -> HTTPConnection:
        access = self.access
        where = urlsplit(access.url)
        host = where.hostname or ""
        if not access.tls:
            return HTTPConnection(host, where.port, timeout=self.patience)
        import ssl

        context = ssl.create_default_context(cafile=access.ca and str(Path(access.ca).expanduser()))
        if access.cert:
            context.load_cert_chain(Path(access.cert).expanduser(), access.key and Path(access.key).expanduser())
        return HTTPSConnection(host, where.port, timeout=self.patience, context=context)

    def _authorize(self) -> str | None:
        if self._authorization is None:
            from tidegate.cli.run.credentials import authorization

            self._authorization = authorization(self.access) or ""
        return self._authorization or None

    def _unreachable(self, error: Exception) -> str:
        cause = getattr(error, "strerror", None) or str(error) or type(error).__name__
        cure = "start a server with 'tidegate dev' or 'tidegate serve', or say with --address where one answers"
        return f"cannot reach {self.access.url}: {cause}; {cure}"

    def _log_request(self, verb: str, target: str, headers: Mapping[str, str], data: bytes | None) -> None:
        if not self._log:
            return
        shown = {name: MASKED if name == "Authorization" else value for name, value in headers.items()}
        lines = ["=======================", "==== request start ====", f"uri: {self.access.url}{target}"]
        lines += [f"method: {verb}", "== headers start =="]
        lines += [f"{name.lower()}: {value}" for name, value in sorted(shown.items())]
        lines += ["== headers end ==", "== body start ==", (data or b"").decode(errors="replace")]
        print("\n".join([*lines, "== body end ==", "==== request end ===="]), file=sys.stderr)

    def _log_answer(self, answer: HTTPResponse, text: bytes, took: float) -> None:
        if not self._log:
            return
        lines = ["---- response start ----", f"status: {answer.status}", "-- headers start --"]
        lines += [f"{name.lower()}: {value}" for name, value in sorted(answer.getheaders())]
        lines += ["-- headers end --", "-- body start --", text.decode(errors="replace").rstrip(), "-- body end --"]
        lines += [f"total round trip time (request+response): {took:.3f} secs", "---- response end ----"]
        print("\n".join([*lines, "----------------------"]), file=sys.stderr)


def _read(status: int, text: bytes) -> Any:
    try:
        said = json.loads(text) if text.strip() else {}
    except ValueError:
        said = None
    if status >= 400:
        _refuse(said.get("error") if isinstance(said, dict) else None, status)
    if said is None:
        raise CommandError("the answer is no JSON: is that a Cloud Tasks server?")
    return said


def _refuse(error: Any, status: int) -> NoReturn:
    if not isinstance(error, dict):
        raise RefusedError("HTTP", f"status code {status}")
    raise RefusedError(str(error.get("status", status)), str(error.get("message", "")), error.get("details"))


def _with_details(text: str, details: Any) -> str:
    if not details:
        return text
    from tidegate.cli.output.yaml_text import yaml_text

    return f"{text}\n{yaml_text(details)}".rstrip("\n")
