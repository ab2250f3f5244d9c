"""Reads a queue.yaml as plain data in which every scalar is a text.

Only the part of YAML is read that a queue.yaml needs. Refused are aliases, which can make a small file large, tags,
keys that are given twice, and files that are larger or deeper than any queue.yaml. Dates, booleans and numbers stay
texts: ``2024-01-01`` and ``on`` may be names of queues.
"""

from __future__ import annotations

from typing import Any, Final

import yaml
from msgspec import Struct

from tidegate.core.errors import InvalidArgument
from tidegate.core.queue_yaml import Path

LARGEST: Final = 512 * 1024
"""Bytes of a file: more than a thousand queues with every setting."""
DEEPEST: Final = 8
"""Nested lists and mappings. A queue's ``acl`` is on the fourth level."""
MERGE: Final = "tag:yaml.org,2002:merge"
NULL: Final = "tag:yaml.org,2002:null"

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's loader where it is built in. It is ten times as fast."""


class _TextLoader(LOADER):  # type: ignore[misc]
    """Recognises null (``~``, ``null`` or no value) and the merge key. Every other scalar is a text."""

    yaml_implicit_resolvers: Final = {
        first: [(tag, form) for tag, form in known if tag in {NULL, MERGE}]
        for first, known in LOADER.yaml_implicit_resolvers.items()
    }


class YamlText(Struct, frozen=True):
    """The plain data of a file (mappings, lists, text, None), and the line of each key and each item of a list."""

    data: Any
    lines: dict[Path, int]


def read_yaml(data: bytes) -> YamlText:
    """The data of a YAML file.

    Raises:
        InvalidArgument: It is not YAML, or uses more of YAML than a queue.yaml needs.
    """
    if len(data) > LARGEST:
        raise _refused(f"it has more than {LARGEST // 1024} KiB")
    loader = None
    lines: dict[Path, int] = {}
    try:
        _check_events(data)
        loader = _TextLoader(data)
        node = loader.get_single_node()
        _note_lines(loader, node, (), lines)
        return YamlText(None if node is None else loader.construct_document(node), lines)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _refused(" ".join(str(error).split())) from None
    finally:
        if loader is not None:
            loader.dispose()


def _check_events(data: bytes) -> None:
    """Refuse what a queue.yaml never needs, before data is built from the file."""
    depth = 0
    for event in yaml.parse(data, Loader=LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refused(f"it has an anchor or alias{_at(event)}")
        if getattr(event, "tag", None) is not None:
            raise _refused(f"it has a tag{_at(event)}")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _refused(f"more than {DEEPEST} lists and mappings stand in each other{_at(event)}")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _note_lines(loader: Any, node: Any, path: Path, lines: dict[Path, int]) -> None:
    """Note the line of each key and each item. Refuses keys that are given twice, and lists and mappings as keys."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == MERGE:
                raise _refused(f"a key is no plain value{_at(key)}")
            name = loader.construct_object(key)
            if name in seen:
                raise _refused(f"the key {name!r} is there twice{_at(key)}")
            seen.add(name)
            lines[*path, name] = _line(key)
            _note_lines(loader, value, (*path, name), lines)
    elif isinstance(node, yaml.SequenceNode):
        for number, each in enumerate(node.value):
            lines[*path, number] = _line(each)
            _note_lines(loader, each, (*path, number), lines)


def _line(where: yaml.Event | yaml.Node) -> int:
    line: int = where.start_mark.line + 1
    return line


def _at(where: yaml.Event | yaml.Node) -> str:
    return f", line {_line(where)}"


def _refused(why: str) -> InvalidArgument:
    return InvalidArgument(f"Invalid queue configuration. The file cannot be read as YAML: {why}.")
