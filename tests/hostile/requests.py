"""Requests that are small on the wire or just within a limit, and cost much if nobody counts: one for each method and
field, with as many entries or as long a text as there is room for.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from tidegate.schema.limits import json_size_of, size_of
from tidegate.schema.rpc import Rpc

DEEPEST = 5
TEXTS = (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_BYTES)


@dataclass(frozen=True)
class Attack:
    """A message or a body, and what it is made of."""

    row: Rpc[Any, Any]
    what: str
    payload: bytes


def room(row: Rpc[Any, Any], most: int) -> int:
    """Bytes that a message of the method may have, or ``most``."""
    return min(size_of(row.name), most) - 4096


def grpc_attacks(row: Rpc[Any, Any], most: int) -> Iterator[Attack]:
    """For each field, those of messages inside too: many entries, or a long one. Then what no field stands for."""
    named = _routing(row).SerializeToString()
    space = room(row, most)
    for way in _ways(row.request_pb.DESCRIPTOR):
        field = way[-1]
        name = ".".join(step.name for step in way)
        if field.type in TEXTS:
            yield Attack(row, f"long {name}", named + _wrapped(way, b"x" * space))
        if field.is_repeated:
            yield Attack(row, f"many {name}", named + _within(way, _field(field.number, b"") * (space // 2)))
            if field.message_type is not None and field.message_type.GetOptions().map_entry:
                entries = (_field(field.number, _field(1, b"x%06d" % number)) for number in range(space // 12))
                yield Attack(row, f"many different {name}", named + _within(way, b"".join(entries)))
        elif field.message_type is not None:
            yield Attack(row, f"many times {name}", named + _within(way, _field(field.number, b"") * (space // 2)))
    yield Attack(row, "many unknown fields", named + b"\xf8\x3f\x00" * (space // 3))
    yield Attack(row, "many groups", named + b"\xfb\x3f\xfc\x3f" * (space // 4))
    yield Attack(row, "much nonsense", named + b"\xff" * space)


def rest_attacks(row: Rpc[Any, Any], most: int) -> Iterator[Attack]:
    """Bodies of JSON: many and long values for each field right below the body, and what JSON has besides."""
    assert row.http is not None
    space = min(json_size_of(size_of(row.name)), most) - 4096
    fields = [field.json_name for field in row.request_pb.DESCRIPTOR.fields] if row.http.body else []
    for name in fields:
        yield Attack(row, f"long {name}", json.dumps({name: "x" * space}).encode())
        yield Attack(row, f"many {name}", b'{"%s":[%s{}]}' % (name.encode(), b"{}," * (space // 3)))
        numbered = b",".join(b'"x%06d":"y"' % number for number in range(space // 14))
        headers = b'{"%s":{"httpRequest":{"url":"http://x","headers":{%s}}}}' % (name.encode(), numbered)
        yield Attack(row, f"many members in {name}", headers)
    yield Attack(row, "many members", b"{%s}" % b",".join(b'"x%06d":1' % number for number in range(space // 12)))
    yield Attack(row, "deep", b'{"a":' + b"[" * space)
    yield Attack(row, "escapes", b'{"a":"' + b'\\"' * (space // 2) + b'"}')
    yield Attack(row, "spaces", b" " * space + b"{}")


def _ways(descriptor: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    for field in descriptor.fields:
        way = (*before, field)
        yield way
        inside = field.message_type
        if inside is not None and len(way) < DEEPEST and inside not in [step.containing_type for step in way]:
            yield from _ways(inside, way)


def _wrapped(way: tuple[Any, ...], content: bytes) -> bytes:
    """The field at the end of a way with that content, within all messages that lead to it."""
    return _within(way, _field(way[-1].number, content))


def _within(way: tuple[Any, ...], content: bytes) -> bytes:
    for step in reversed(way[:-1]):
        content = _field(step.number, content)
    return content


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


LOCATION = "projects/hostile/locations/us-central1"
QUEUE = f"{LOCATION}/queues/q"
NAMES = {"*/locations/*/queues/*/tasks/*": f"{QUEUE}/tasks/t", "*/locations/*/queues/*": QUEUE}


def name_for(pattern: str) -> str:
    """A name that fits the pattern of a path, such as ``projects/*/locations/*``."""
    words = iter(("hostile", "us-central1", "q", "t"))
    return "/".join(next(words, "x") if word == "*" else word for word in pattern.split("/"))


def _routing(row: Rpc[Any, Any]) -> Any:
    """The request of a method with nothing but the name that its call is routed by."""
    request = row.request_pb()
    if row.http is not None and row.routing_field is not None:
        holder = request
        *parents, last = row.routing_field.split(".")
        for parent in parents:
            holder = getattr(holder, parent)
        pattern = row.http.path.split("{", 1)[1].split("=", 1)[-1].split("}", 1)[0]
        setattr(holder, last, name_for(pattern))
    return request


def path_of(row: Rpc[Any, Any]) -> str:
    """The path of a method, with names in it."""
    assert row.http is not None
    path = row.http.path
    while "{" in path:
        begin, end = path.index("{"), path.index("}")
        pattern = path[begin + 1 : end].split("=", 1)
        path = path[:begin] + (name_for(pattern[1]) if len(pattern) > 1 else "t") + path[end + 1 :]
    return path
