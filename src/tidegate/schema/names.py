"""Our messages under Google's names, where a name travels: in type URLs and in error texts.

The classes are declared in packages of our own (``tidegate.v2``), so that they can live beside google-cloud-tasks in
one interpreter. The wire shows ``google.cloud.tasks.v2``. What Google has not, the operator's API, keeps its name.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2  # so that Any finds the details of errors  # noqa: F401

OURS = "tidegate."
OPERATORS = "tidegate.operator."
GOOGLES = "google.cloud.tasks."
TYPE_URL = "type.googleapis.com/"


def google_name(descriptor: Any) -> str:
    """The name to show for a message or enum: ``google.cloud.tasks.v2.Task.View``."""
    name: str = descriptor.full_name
    if name.startswith(OURS) and not name.startswith(OPERATORS):
        return GOOGLES + name.removeprefix(OURS)
    return name


def type_url(descriptor: Any) -> str:
    """``type.googleapis.com/google.cloud.tasks.v2.Task``."""
    return TYPE_URL + google_name(descriptor)


@cache
def _class_named(name: str) -> type[Any] | None:
    try:
        found = descriptor_pool.Default().FindMessageTypeByName(name)
    except KeyError:
        return None
    return message_factory.GetMessageClass(found)


def message_class(url: str) -> type[Any] | None:
    """The raw class that a type URL names, None when nothing here has that name.

    The messages of a version are known once its module was imported.
    """
    name = url.rpartition("/")[2]
    if name.startswith(GOOGLES):
        return _class_named(OURS + name.removeprefix(GOOGLES))
    return _class_named(name)


def pack(message: Any) -> AnyMessage:
    """An Any that holds a raw ``message`` under Google's name."""
    return AnyMessage(type_url=type_url(message.DESCRIPTOR), value=message.SerializeToString(deterministic=True))


def unpack(packed: AnyMessage) -> Any:
    """The raw message in an Any, None when its type is not known here.

    Raises:
        google.protobuf.message.DecodeError: the bytes are not such a message.
    """
    kind = message_class(packed.type_url)
    return kind and kind.FromString(packed.value)
