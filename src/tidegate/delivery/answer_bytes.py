"""The first bytes of an answer as they came, and what they say: for attempts of which more than the status is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from tidegate.engine.ports.world import Response

KEPT: Final = 4096
"""Bytes of an answer that are held while its attempt is under way: 80 MB for 20,000 attempts whose handlers dawdle."""


class AnswerBytes:
    """``ports.ReceivedAnswer``. ``now`` tells seconds."""

    def __init__(self, now: Callable[[], float], *, without_body: bool) -> None:
        self.first_byte = 0.0
        self._now = now
        self._without_body = without_body
        self._sent_at = now()
        self._parts: list[bytes] = []
        self._room = KEPT
        self._bytes = 0

    def add(self, data: bytes) -> None:
        if not self._bytes:
            self.first_byte = self._now() - self._sent_at
        self._bytes += len(data)
        if self._room > 0:
            self._parts.append(data if len(data) <= self._room else data[: self._room])
            self._room -= len(data)

    def read(self) -> Response | None:
        if not self._parts:
            return None
        reading = _Reading(without_body=self._without_body)
        for part in self._parts:
            reading.feed(part)
        size = reading.length
        if size is None:
            cut = self._room < 0
            size = self._bytes - reading.head_bytes if cut and reading.in_body else len(reading.body)
        return Response(reading.headers, bytes(reading.body), size)


class _Reading:
    """Reads an answer that was accepted before; what cannot be read of a cut one is left out."""

    def __init__(self, *, without_body: bool) -> None:
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.in_body = False
        self.head_bytes = 0
        self._without_body = without_body
        self._in_head = True
        self._ended = False
        self._parser = HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)

    @property
    def length(self) -> int | None:
        """Bytes of the body as the head says."""
        if self._without_body:
            return 0
        said = next((value for name, value in self.headers if name.lower() == "content-length"), "")
        return int(said) if said.isascii() and said.isdigit() and len(said) < 20 else None

    def feed(self, data: bytes) -> None:
        if self._ended:
            return
        self._in_head = not self.in_body
        if self._in_head:
            self.head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._ended = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_body:
            self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() < 200 and self._parser.get_status_code() != 101:
            self.headers.clear()  # an interim answer
            return
        self.in_body = True
        self._ended = self._without_body

    def on_body(self, data: bytes) -> None:
        if not self._without_body:
            self.body += data
        if self._in_head:
            self.head_bytes -= len(data)

    def on_message_complete(self) -> None:
        self._ended = self.in_body
