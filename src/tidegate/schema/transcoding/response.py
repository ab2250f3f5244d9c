"""The bytes of an answer."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from tidegate.schema.transcoding.json_write import Items, encode, present, to_json
from tidegate.schema.transcoding.selection import keep, read_selection


def write_response(message: Any, *, int_enums: bool = False, pretty: bool = True, fields: str = "") -> bytes:
    """A raw response message in JSON, or the part of it that a ``fields`` expression selects.

    Raises:
        InvalidArgument: ``fields`` selects what no answer of this type has; ``read_request`` has refused that already.
    """
    value = to_json(message, int_enums=int_enums)
    if fields:
        value = keep(value, read_selection(fields, message.DESCRIPTOR))
    return encode(value, pretty=pretty)


def write_response_steps(
    message: Any, *, int_enums: bool = False, pretty: bool = True, fields: str = ""
) -> Generator[None, None, bytes]:
    """``write_response`` as a generator, for those who do something else in between. Returns the same, raises the same.

    A long list right below the message is written item by item; everything else is short.
    """
    selection = read_selection(fields, message.DESCRIPTOR) if fields else {}
    written: list[bytes] = []
    for name, shape, value in present(message, int_enums=int_enums):
        if selection and not keep({name: None}, selection):
            continue
        key = encode(name, pretty=False)
        if not isinstance(shape, Items):
            whole = keep({name: shape(value)}, selection)[name]
            written.append(key + (b": " if pretty else b":") + _indented(whole, pretty, b"\n  "))
            yield
            continue
        items: list[bytes] = []
        for each in value:
            item = keep({name: shape.one(each)}, selection)[name]
            items.append(_indented(item, pretty, b"\n    "))
            yield
        if pretty:
            written.append(key + b": [\n    " + b",\n    ".join(items) + b"\n  ]")
        else:
            written.append(key + b":[" + b",".join(items) + b"]")
        yield
    if not written:
        return encode({}, pretty=pretty)
    if pretty:
        return b"{\n  " + b",\n  ".join(written) + b"\n}\n"
    return b"{" + b",".join(written) + b"}"


def _indented(value: Any, pretty: bool, line_break: bytes) -> bytes:
    """A value within others. No text of JSON has a line break in it, so each begins a line."""
    text = encode(value, pretty=pretty)
    return text[:-1].replace(b"\n", line_break) if pretty else text
