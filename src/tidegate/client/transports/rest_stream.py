"""A stream over REST: one line of JSON for each response."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from google.api_core import exceptions
from google.auth.transport.requests import AuthorizedSession

from tidegate.client.calls import Headers
from tidegate.client.transports.http import is_error, refined
from tidegate.schema.rpc import Rpc, raw
from tidegate.schema.transcoding import read_response, write_request

QUIET_MAX: Final = 60.0
"""Seconds without a line after which the server is taken for gone: it says every 15 s that it is there."""


class RestStream:
    """The bare call of one RPC that streams. It returns the responses, one after the other; empty ones mean nothing."""

    def __init__(self, row: Rpc[Any, Any], session: AuthorizedSession, host: str) -> None:
        self._row, self._session, self._host = row, session, host

    def __call__(self, request: Any, *, timeout: float | None = None, metadata: Headers = ()) -> Iterator[Any]:
        """``timeout`` is that of connecting: a stream has no end of its own."""
        row = self._row
        call = write_request(row, request if isinstance(request, row.request_pb) else row.request.pb(request))
        response = self._session.request(
            call.verb,
            self._host + call.path,
            timeout=(timeout, QUIET_MAX),
            headers={**dict(metadata), "Accept": "application/x-ndjson"},
            params=call.query,
            data=call.body,
            stream=True,
        )
        if is_error(response.status_code):
            raise _error(response.json(), exceptions.from_http_response(response))
        return self._read(response)

    def _read(self, response: Any) -> Iterator[Any]:
        wrap = None if raw(self._row.response) is self._row.response else self._row.response.wrap
        with response:
            for line in response.iter_lines(chunk_size=None):
                if line.startswith(b'{"error":'):
                    payload = json.loads(line)
                    said = payload["error"]
                    raise _error(payload, exceptions.from_http_status(said["code"], said["message"]))
                if line:
                    message = read_response(self._row, line)
                    yield message if wrap is None else wrap(message)


def _error(payload: Any, error: exceptions.GoogleAPICallError) -> exceptions.GoogleAPICallError:
    return refined(error, payload)
