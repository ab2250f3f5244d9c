"""A body as people read it: JSON re-indented token by token, text, hex, base64.

JSON is never parsed into values: what is shown are the digits and escapes that are there.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from msgspec import Struct

PREVIEW: Final = 64 * 1024
"""Bytes of a body that a page shows; the rest is in the download."""
DEPTH_MAX: Final = 20
"""Levels that are indented; deeper ones stay where they are."""
INDENTED_MAX: Final = 8 * PREVIEW
"""Characters of indented JSON: brackets alone would grow to forty times their size."""
INLINE_MAX: Final = 64
"""Characters of an innermost object or list that stays on one line."""
HEX_WIDTH: Final = 16
BASE64_WIDTH: Final = 76

_TOKEN: Final = re.compile(
    r'\s+|(?P<string>"(?:[^"\\\x00-\x1f]|\\.)*")|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)'
    r"|(?P<word>true|false|null)|(?P<open>[{\[])|(?P<close>[}\]])|(?P<comma>,)|(?P<colon>:)",
)
_CLOSES: Final = {"{": "}", "[": "]"}

KEY, STRING, NUMBER, WORD, PLAIN = "k", "s", "n", "c", ""


class Piece(Struct, frozen=True):
    """Text and what it is: ``k`` a key, ``s`` a string, ``n`` a number, ``c`` true, false and null, empty the rest."""

    text: str
    kind: str = PLAIN


class NotJsonError(ValueError):
    """The text is not JSON. The text says where."""


def json_pieces(text: str, *, cut: bool = False) -> list[Piece]:
    """``text`` indented by two spaces. With ``cut`` it may end in the midst. Raises NotJsonError."""
    tokens = list(_tokens(text, cut=cut))
    pieces: list[Piece] = []
    stack: list[str] = []
    at = length = 0
    while at < len(tokens):
        if (length := length + 2 * min(len(stack), DEPTH_MAX)) > INDENTED_MAX:
            raise NotJsonError("too deep to be shown indented")
        kind, token = tokens[at]
        if kind == "open":
            if end := _short(tokens, at):
                pieces += _inline(tokens[at:end])
                at = end
                continue
            stack.append(token)
            pieces += [Piece(token), _line(stack)]
        elif kind == "close":
            stack.pop()
            pieces += [_line(stack), Piece(token)]
        elif kind == "comma":
            pieces += [Piece(","), _line(stack)] if stack else [Piece(",")]
        elif kind == "colon":
            pieces.append(Piece(": "))
        else:
            pieces.append(_value(tokens, at))
        at += 1
    return _joined(pieces)


def _tokens(text: str, *, cut: bool) -> Iterator[tuple[str, str]]:
    """Kind and text of each token. What is wrong with them raises NotJsonError."""
    stack: list[str] = []
    at, before, found = 0, "", False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            if cut and text[at] in '"-tfn':  # torn by the cut
                yield "word", text[at:]
                return
            raise NotJsonError(f"not JSON from character {at + 1} on")
        at = match.end()
        kind = match.lastgroup
        if kind is None:  # white space
            continue
        token = match.group()
        if found and not stack:
            raise NotJsonError(f"more than one value, from character {match.start() + 1} on")
        _check_order(kind, before, stack, match.start())
        if kind == "open":
            stack.append(token)
        elif kind == "close" and _CLOSES[stack.pop()] != token:
            raise NotJsonError(f"not JSON from character {match.start() + 1} on")
        found = True
        before = kind
        yield kind, token
    if not found or (stack and not cut):
        raise NotJsonError("not JSON: it ends too early")


_VALUES: Final = frozenset({"string", "number", "word", "open"})
_ENDS: Final = frozenset({"string", "number", "word", "close"})


def _check_order(kind: str, before: str, stack: Sequence[str], at: int) -> None:
    if kind in _VALUES:
        right = before in {"", "open", "comma", "colon"}
    elif kind == "close":
        right = bool(stack) and (before == "open" or before in _ENDS)
    else:
        right = bool(stack) and before in _ENDS and (kind == "comma" or (stack[-1] == "{" and before == "string"))
    if not right:
        raise NotJsonError(f"not JSON from character {at + 1} on")


def _short(tokens: Sequence[tuple[str, str]], start: int) -> int:
    """Where the object or list that opens at ``start`` ends, if it holds no other and is short; else 0."""
    length = 0
    for at in range(start + 1, len(tokens)):
        kind, token = tokens[at]
        if kind == "close":
            return at + 1 if at == start + 1 or start else 0
        length += len(token) + 1
        if kind == "open" or length > INLINE_MAX:
            return 0
    return 0


def _inline(tokens: Sequence[tuple[str, str]]) -> Iterator[Piece]:
    for at, (kind, token) in enumerate(tokens):
        if kind in {"comma", "colon"}:
            yield Piece(f"{token} ")
        elif kind in {"open", "close"}:
            yield Piece(token)
        else:
            yield _value(tokens, at)


def _value(tokens: Sequence[tuple[str, str]], at: int) -> Piece:
    kind, token = tokens[at]
    if kind == "string":
        is_key = at + 1 < len(tokens) and tokens[at + 1][0] == "colon"
        return Piece(token, KEY if is_key else STRING)
    return Piece(token, NUMBER if kind == "number" else WORD)


def _line(stack: Sequence[str]) -> Piece:
    return Piece("\n" + "  " * min(len(stack), DEPTH_MAX))


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Neighbours of one kind as one."""
    return [Piece("".join(each.text for each in run), kind) for kind, run in groupby(pieces, attrgetter("kind"))]


def text_of(body: bytes) -> str:
    r"""The body as UTF-8; a byte that is none is shown as ``\xff``."""
    return body.decode("utf-8", "backslashreplace")


def hex_of(body: bytes) -> str:
    """Offset, bytes and what of them can be printed, 16 bytes a line."""
    lines = []
    for at in range(0, len(body), HEX_WIDTH):
        row = body[at : at + HEX_WIDTH]
        halves = f"{row[:8].hex(' '):<23}  {row[8:].hex(' '):<23}"
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f"{at:08x}  {halves}  {shown}")
    return "\n".join(lines)


def base64_of(body: bytes) -> str:
    """Base64 in lines of 76 characters."""
    text = b64encode(body).decode()
    return "\n".join(text[at : at + BASE64_WIDTH] for at in range(0, len(text), BASE64_WIDTH))


def cut_body(body: bytes) -> tuple[bytes, bool]:
    """The first 64 KiB, without a torn character at the end, and whether something was cut off."""
    if len(body) <= PREVIEW:
        return body, False
    end = PREVIEW
    while end > PREVIEW - 4 and body[end] & 0xC0 == 0x80:
        end -= 1
    return body[:end], True
