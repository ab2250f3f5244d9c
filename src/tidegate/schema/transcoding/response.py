"""The bytes of an answer."""

from __future__ import annotations

from typing import Any

from tidegate.schema.transcoding.json_write import encode, to_json
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
