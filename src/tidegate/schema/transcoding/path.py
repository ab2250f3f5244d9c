"""Which row an HTTP call is for, and the names in its path.

A template such as ``/v2/{name=projects/*/locations/*/queues/*}:pause`` is fixed words, stars for one segment each, and
perhaps a custom verb behind the last colon. A project may hold a colon itself (``example.com:app``), so only the last
segment can end in a verb, and only a verb that some template has counts as one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from tidegate.schema.rpc import HttpRule, Rpc

_PART = re.compile(r"\{(?P<variable>[^=}]+)(?:=(?P<pattern>[^}]+))?\}|(?P<literal>[^/{}:]+)|:(?P<verb>\w+)$|/")
ANY_VERB = "*"


class Match(NamedTuple):
    """The row of a call, and what its path says: values by field path, percent-decoded."""

    row: Rpc[Any, Any]
    variables: dict[str, str]


@dataclass(frozen=True, slots=True)
class Template:
    """A path template, taken apart. A variable spans the segments from ``start`` to before ``end``."""

    segments: tuple[str, ...]
    variables: tuple[tuple[str, int, int], ...]
    verb: str

    @classmethod
    def parse(cls, path: str) -> Template:
        segments: list[str] = []
        variables: list[tuple[str, int, int]] = []
        verb = ""
        for part in _PART.finditer(path):
            if variable := part["variable"]:
                pattern = (part["pattern"] or "*").split("/")
                variables.append((variable, len(segments), len(segments) + len(pattern)))
                segments += pattern
            elif part["literal"]:
                segments.append(part["literal"])
            elif part["verb"]:
                verb = part["verb"]
        return cls(tuple(segments), tuple(variables), verb)

    def read(self, segments: list[str]) -> dict[str, str]:
        """The variables of a path that fits."""
        return {name: "/".join(segments[start:end]) for name, start, end in self.variables}

    def write(self, values: dict[str, str]) -> str | None:
        """The path with ``values`` in it, percent-encoded; None when a value does not fit its pattern."""
        segments = list(self.segments)
        for name, start, end in self.variables:
            parts = values[name].split("/")
            pattern = self.segments[start:end]
            if len(parts) != len(pattern) or not all(
                given == want or (want == "*" and given) for given, want in zip(parts, pattern, strict=True)
            ):
                return None
            segments[start:end] = [quote(part, safe=":") for part in parts]
        return "/" + "/".join(segments) + (":" + self.verb if self.verb else "")


@dataclass(slots=True)
class _Node:
    """What can follow the segments so far."""

    literals: dict[str, _Node] = field(default_factory=dict)
    star: _Node | None = None
    ends: dict[tuple[str, str], tuple[Rpc[Any, Any], Template]] = field(default_factory=dict)

    def next(self, segment: str) -> _Node:
        if segment != "*":
            return self.literals.setdefault(segment, _Node())
        if self.star is None:
            self.star = _Node()
        return self.star


class Router:
    """Finds the row for a verb and a path."""

    def __init__(self, rows: Iterable[Rpc[Any, Any]]) -> None:
        self._root = _Node()
        self._verbs: set[str] = set()
        for row in rows:
            for rule in row.bindings:
                self._add(row, rule)

    def _add(self, row: Rpc[Any, Any], rule: HttpRule) -> None:
        template = Template.parse(rule.path)
        node = self._root
        for segment in template.segments:
            node = node.next(segment)
        node.ends[ANY_VERB if rule.any_verb else rule.verb, template.verb] = (row, template)
        if template.verb:
            self._verbs.add(template.verb)

    def match(self, verb: str, raw_path: str) -> Match | None:
        """The row for an HTTP verb and a path as it came, still percent-encoded; None when there is none."""
        if not raw_path.startswith("/"):
            return None
        segments = raw_path[1:].split("/")
        last, colon, custom = segments[-1].rpartition(":")
        if colon and custom in self._verbs:
            segments[-1] = last
        else:
            custom = ""
        node: _Node | None = self._root
        for position, segment in enumerate(segments):
            if node is None or not segment:
                return None
            decoded = unquote(segment) if "%" in segment else segment
            segments[position] = decoded
            node = node.literals.get(decoded) or node.star
        if node is None:
            return None
        found = node.ends.get((verb, custom)) or node.ends.get((ANY_VERB, custom))
        if found is None:
            return None
        row, template = found
        return Match(row, template.read(segments))
