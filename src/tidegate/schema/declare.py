"""How a message is declared: proto-plus, with the types a type checker needs and a little less to write.

``field(STRING, 1)`` is the field numbered 1; a message or an enum class stands where it is one:
``field(RateLimits, 4)``. Everything a class of proto-plus can do, its classes here can do too.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Self

import proto

BOOL: int = proto.BOOL
BYTES: int = proto.BYTES
DOUBLE: int = proto.DOUBLE
INT32: int = proto.INT32
INT64: int = proto.INT64
STRING: int = proto.STRING

Kind = int | type | str
"""What a field holds: one of the scalars above, a message class or an enum class.

Text names a message of the same package that Python cannot see there, such as ``HttpTarget.Header``.
"""

if TYPE_CHECKING:

    class Enum(enum.IntEnum):
        """An enum of the API; unknown numbers from the wire stay plain numbers."""

    class Message:
        """A message of the API, made from keywords, a mapping, another message or its raw protobuf form."""

        def __init__(self, mapping: Any = None, *, ignore_unknown_fields: bool = False, **fields: Any) -> None: ...
        def __contains__(self, name: str) -> bool: ...
        def __bool__(self) -> bool: ...
        def __delattr__(self, name: str) -> None: ...
        @classmethod
        def pb(cls, message: Any = None, *, coerce: bool = False) -> Any:
            """The raw class, or the raw form of ``message``."""

        @classmethod
        def wrap(cls, raw: Any) -> Self: ...
        @classmethod
        def serialize(cls, message: Any) -> bytes: ...
        @classmethod
        def deserialize(cls, payload: bytes) -> Self: ...
        @classmethod
        def to_json(cls, message: Any, **options: Any) -> str: ...
        @classmethod
        def from_json(cls, text: str | bytes, *, ignore_unknown_fields: bool = False) -> Self: ...
        @classmethod
        def to_dict(cls, message: Any, **options: Any) -> dict[str, Any]: ...
        @classmethod
        def copy_from(cls, message: Any, other: Any) -> None: ...

else:
    from proto import Enum, Message


def module(package: str, *names: str) -> Any:
    """What a module assigns to ``__protobuf__``: its package and the names of all its messages and enums."""
    return proto.module(package=package, manifest=set(names))


def field(kind: Kind, number: int, *, oneof: str | None = None, optional: bool = False) -> Any:
    """One value. ``optional`` gives a scalar presence: unset then differs from 0 or empty."""
    return proto.Field(kind, number=number, oneof=oneof, optional=optional)


def repeated(kind: Kind, number: int) -> Any:
    """A list of values."""
    return proto.RepeatedField(kind, number=number)


def mapping(key: int, value: Kind, number: int) -> Any:
    """A map from a scalar to values."""
    return proto.MapField(key, value, number=number)


__all__ = [
    "BOOL",
    "BYTES",
    "DOUBLE",
    "INT32",
    "INT64",
    "STRING",
    "Enum",
    "Message",
    "field",
    "mapping",
    "module",
    "repeated",
]
