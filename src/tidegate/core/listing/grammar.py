"""The filter language, a part of AIP-160: from text to a tree.

::

    expression = sequence {"AND" sequence}
    sequence   = factor {factor}                 side by side is AND too
    factor     = term {"OR" term}                so OR binds tighter than AND
    term       = ["NOT" | "-"] ("(" expression ")" | restriction)
    restriction = WORD [OPERATOR VALUE] | STRING
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

from msgspec import Struct

from tidegate.core.errors import InvalidArgument

TOKENS_MAX: Final = 1000
"""Words, strings and marks of a filter: enough for 200 comparisons. Each queue of a list is tested with all of them."""
DEEPEST: Final = 50  # nested parentheses; more would exceed the recursion limit of the interpreter

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<string> "(?:[^"\\]|\\.)*" )
      | (?P<mark> [()] | <= | >= | != | [:=<>] )
      | (?P<word> [^\s()":=<>!]+ )
      | (?P<stray> . )
    )""",
    re.VERBOSE | re.DOTALL,
)
_OPERATORS: Final = frozenset({":", "=", "!=", "<", "<=", ">", ">="})
_KEYWORDS: Final = frozenset({"AND", "OR", "NOT"})
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
END: Final = "<EOF>"


class Restriction(Struct, frozen=True):
    """``path operator value``. ``quoted`` says that the value was in quotes: there ``*`` is an ordinary character."""

    path: str
    operator: str
    value: str
    quoted: bool = False


class Word(Struct, frozen=True):
    """A word or string on its own."""

    text: str


class Not(Struct, frozen=True):
    inner: Node


class All(Struct, frozen=True):
    """AND of the parts; without parts, true."""

    parts: tuple[Node, ...]


class Any_(Struct, frozen=True):  # noqa: N801 - ``Any`` is taken
    """OR of the parts."""

    parts: tuple[Node, ...]


Node = Restriction | Word | Not | All | Any_


class _Sort(Enum):
    STRING = auto()
    MARK = auto()
    WORD = auto()
    END = auto()


class _Token(Struct, frozen=True):
    sort: _Sort
    text: str
    glued: bool = False  # no space between it and the token before

    def is_keyword(self, word: str) -> bool:
        return self.sort is _Sort.WORD and self.text == word

    def is_mark(self, mark: str) -> bool:
        return self.sort is _Sort.MARK and self.text == mark


def parse(text: str) -> Node:
    """The tree of a filter. InvalidArgument names the first token that does not fit the grammar."""
    parser = _Parser(_tokens(text))
    if parser.next().sort is _Sort.END:
        return All(())
    tree = parser.expression(0)
    if parser.next().sort is not _Sort.END:
        raise parser.error()
    return tree


def _tokens(text: str) -> list[_Token]:
    text = text.strip()
    tokens = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match["stray"]:
            # An exclamation mark on its own, or a string without an end.
            stray = match["stray"] if match else ""
            raise _syntax_error(END if stray == '"' else stray or END)
        sort = _Sort.STRING if match["string"] else _Sort.MARK if match["mark"] else _Sort.WORD
        content = match[match.lastgroup or 0]
        tokens.append(_Token(sort, content, match.start(match.lastgroup or 0) == at))
        at = match.end()
        if len(tokens) > TOKENS_MAX:
            raise InvalidArgument(f"The filter must have at most {TOKENS_MAX} words, strings and signs.")
    return [*tokens, _Token(_Sort.END, END)]


def _syntax_error(token: str) -> InvalidArgument:
    return InvalidArgument(f"Failed to parse filter expression: syntax error at token '{token}'")


class _Parser:
    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def next(self) -> _Token:
        """The next token, without consuming it."""
        return self._tokens[self._at]

    def error(self) -> InvalidArgument:
        return _syntax_error(self.next().text)

    def expression(self, depth: int) -> Node:
        parts = [self._sequence(depth)]
        while self.next().is_keyword("AND"):
            self._at += 1
            parts.append(self._sequence(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _sequence(self, depth: int) -> Node:
        parts = [self._factor(depth)]
        while self._begins_term():
            parts.append(self._factor(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _begins_term(self) -> bool:
        token = self.next()
        if token.sort is _Sort.WORD:
            return token.text not in ("AND", "OR")
        return token.sort is _Sort.STRING or token.is_mark("(")

    def _factor(self, depth: int) -> Node:
        parts = [self._term(depth)]
        while self.next().is_keyword("OR"):
            self._at += 1
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else Any_(tuple(parts))

    def _term(self, depth: int) -> Node:
        token = self.next()
        if token.is_keyword("NOT"):
            self._at += 1
            return Not(self._simple(depth))
        if token.sort is _Sort.WORD and token.text.startswith("-"):
            if len(token.text) > 1:
                self._tokens[self._at] = _Token(_Sort.WORD, token.text[1:])
            elif self._tokens[self._at + 1].glued:
                self._at += 1
            else:
                raise self.error()
            return Not(self._simple(depth))
        return self._simple(depth)

    def _simple(self, depth: int) -> Node:
        token = self.next()
        if token.is_mark("("):
            if depth >= DEEPEST:
                raise self.error()
            self._at += 1
            inner = self.expression(depth + 1)
            if not self.next().is_mark(")"):
                raise self.error()
            self._at += 1
            return inner
        if token.sort is _Sort.STRING:
            self._at += 1
            return Word(_unquoted(token.text))
        if token.sort is not _Sort.WORD or token.text in _KEYWORDS:
            raise self.error()
        self._at += 1
        if self.next().sort is _Sort.MARK and self.next().text in _OPERATORS:
            return self._restriction(token.text)
        return Word(token.text)

    def _restriction(self, path: str) -> Restriction:
        operator = self.next().text
        self._at += 1
        token = self.next()
        quoted = token.sort is _Sort.STRING
        if not quoted and (token.sort is not _Sort.WORD or token.text in _KEYWORDS):
            raise self.error()
        self._at += 1
        return Restriction(path, operator, _unquoted(token.text) if quoted else token.text, quoted)


def _unquoted(text: str) -> str:
    return _ESCAPE.sub(r"\1", text[1:-1])
