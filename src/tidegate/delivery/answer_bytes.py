"""The first bytes of an answer as they came, and what they say: for attempts of which more than the status is kept."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser
from msgspec import Struct

from tidegate.engine.ports.world import Response

KEPT: Final = 4096
"""Bytes of an answer that are held while its attempt is under way: 80 MB for 20,000 attempts whose handlers dawdle."""

_REMEMBERED: Final = 256
_LONGEST_REMEMBERED: Final = 512  # bytes: longer ones are read each time


class AnswerBytes(Struct, gc=False):
    """``ports.ReceivedAnswer``. ``now`` tells seconds, ``sent_at`` when the request was sent."""

    now: Callable[[], float]
    without_body: bool
    sent_at: float
    first_at: float = 0.0
    data: bytes = b""
    size: int = 0

    def add(self, data: bytes) -> None:
        """Note what came."""
        if not self.size:
            self.first_at = self.now()
            self.data = data if len(data) <= KEPT else data[:KEPT]
        elif len(self.data) < KEPT:
            self.data += data[: KEPT - len(self.data)]
        self.size += len(data)

    @property
    def first_byte(self) -> float:
        return self.first_at - self.sent_at if self.size else 0.0

    def read(self) -> Response | None:
        if not self.size:
            return None
        read = _known if self.size <= _LONGEST_REMEMBERED else _read
        return read(self.data, self.size, self.without_body)


_TELLING: Final = {len("content-length"), len("transfer-encoding")}


def _header(line: str) -> tuple[str, str] | None:
    """Name and value; None for a line that is no header by itself."""
    name, colon, value = line.partition(":")
    if not colon or not name or name[0] in " \t":
        return None
    return name, value.strip(" \t")


def _plain_head(raw: bytes) -> tuple[tuple[tuple[str, str], ...], int | None] | None:
    """Headers, and the length of the body if they say one; None for what only a parser can read."""
    lines = raw.decode("latin-1").split("\r\n")
    if not lines[0].startswith("HTTP/1.") or lines[0][9:10] == "1":  # interim, and more comes
        return None
    headers: list[tuple[str, str]] = []
    length: int | None = None
    for line in lines[1:]:
        header = _header(line)
        if header is None:
            return None
        if len(header[0]) in _TELLING:
            name = header[0].lower()
            if name == "transfer-encoding":
                return None
            if name == "content-length":
                if not (header[1].isascii() and header[1].isdigit() and len(header[1]) < 20):
                    return None
                length = int(header[1])
        headers.append(header)
    return tuple(headers), length


_known_head = lru_cache(maxsize=_REMEMBERED)(_plain_head)
"""Remembered: what a handler says differs in little but the second (4 us)."""


def _read(data: bytes, size: int, without_body: bool) -> Response:
    return _plain(data, size, without_body=without_body) or _parsed(data, size, without_body=without_body)


_known = lru_cache(maxsize=_REMEMBERED)(_read)
"""Remembered, too: many say nothing else at all."""


def _plain(data: bytes, size: int, *, without_body: bool) -> Response | None:
    """What an answer says that is written as nearly all handlers do, in a sixth of the parser's time. None when it is
    another one.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    raw = data[:end]
    head = _known_head(raw) if end <= _LONGEST_REMEMBERED else _plain_head(raw)
    if head is None:
        return None
    headers, length = head
    if without_body:
        return Response(headers, b"", 0)
    return Response(headers, data[end + 4 :], size - end - 4 if length is None else length)


def _parsed(data: bytes, size: int, *, without_body: bool) -> Response:
    reading = _Reading(without_body=without_body)
    reading.feed(data)
    length = reading.length
    if length is None:
        length = size - reading.head_bytes if size > len(data) and reading.in_body else len(reading.body)
    return Response(tuple(reading.headers), bytes(reading.body), length)


class _Reading:
    """Reads an answer that was accepted before; what cannot be read of a cut one is left out."""

    def __init__(self, *, without_body: bool) -> None:
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.in_body = False
        self.head_bytes = 0
        self._without_body = without_body
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
        with suppress(HttpParserError, HttpParserUpgrade):  # as far as it came
            self._parser.feed_data(data)
        self.head_bytes = len(data) - len(self.body)
        del self._parser  # which leads back to here

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.in_body:
            self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 and status != 101:
            self.headers.clear()  # an interim answer
        else:
            self.in_body = True

    def on_body(self, data: bytes) -> None:
        if not self._without_body:
            self.body += data
