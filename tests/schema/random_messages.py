"""Random messages of any type, made from its descriptor."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor as F
from hypothesis import strategies as st

SCALARS: dict[int, Any] = {
    F.TYPE_BOOL: st.booleans(),
    F.TYPE_BYTES: st.binary(max_size=20),
    F.TYPE_DOUBLE: st.floats(allow_nan=False) | st.just(math.nan),  # one of the many NaNs
    F.TYPE_INT32: st.integers(-(2**31), 2**31 - 1),
    F.TYPE_INT64: st.integers(-(2**63), 2**63 - 1),
    F.TYPE_STRING: st.text(max_size=20),
}


@cache
def messages(descriptor: Any) -> Any:
    """A strategy for the fields of a message, as its constructor takes them."""
    name = descriptor.full_name
    if name == "google.protobuf.Timestamp":
        return st.fixed_dictionaries(
            {"seconds": st.integers(-62135596800, 253402300799), "nanos": st.integers(0, 999_999_999)}
        )
    if name == "google.protobuf.Duration":
        return st.builds(
            lambda sign, seconds, nanos: {"seconds": sign * seconds, "nanos": sign * nanos},
            st.sampled_from([1, -1]),
            st.integers(0, 315_575_999_999),
            st.integers(0, 999_999_999),
        )
    if name == "google.protobuf.FieldMask":
        path = st.lists(st.from_regex(r"[a-z]+(_[a-z]+)*", fullmatch=True), min_size=1, max_size=3).map(".".join)
        return st.fixed_dictionaries({"paths": st.lists(path, min_size=1, max_size=3)})
    if name == "google.protobuf.Any":
        return st.just({})
    real = {oneof.name: [field.name for field in oneof.fields] for oneof in descriptor.oneofs}
    members = {field.name: values(field) for field in descriptor.fields}
    return st.fixed_dictionaries({}, optional=members).map(
        lambda fields: {
            key: value
            for key, value in fields.items()
            if not any(
                key in group and any(other in fields for other in group[: group.index(key)]) for group in real.values()
            )
        }
    )


def values(field: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        inside = field.message_type.fields_by_name
        made = st.dictionaries(single(inside["key"]), single(inside["value"]), max_size=3)
        return made.filter(lambda held: len({str(key).lower() for key in held}) == len(held))  # of headers one counts
    return st.lists(single(field), max_size=3) if field.is_repeated else single(field)


def single(field: Any) -> Any:
    if field.message_type is not None:
        return st.deferred(lambda: messages(field.message_type))
    if field.enum_type is not None:
        return st.sampled_from([*field.enum_type.values_by_number, 77])
    return SCALARS[field.type]


@st.composite
def any_message(draw: Any, kinds: list[Any]) -> Any:
    """A message of one of these raw classes."""
    kind = draw(st.sampled_from(kinds))
    fields = draw(messages(kind.DESCRIPTOR))
    try:
        return kind(**fields)
    except TypeError:  # maps of messages cannot be given to a constructor
        message = kind()
        for entries in [fields.pop(key) for key in list(fields) if key == "failed_requests"]:
            for key, entry in entries.items():
                message.failed_requests[key].CopyFrom(type(message.failed_requests[key])(**entry))
        message.MergeFrom(kind(**fields))
        return message
